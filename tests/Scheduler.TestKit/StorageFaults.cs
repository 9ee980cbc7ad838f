namespace Scheduler.TestKit;

/// <summary>
/// Defines which writes of a cluster's grain storage fail, and how. Shared by the silos of a cluster; counts every
/// write by state name.
/// </summary>
public sealed class StorageFaults
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, int> _writes = new(StringComparer.Ordinal);
    private readonly List<Fault> _faults = [];
    private readonly List<StepFaults> _cases = [];

    /// <summary>Number of writes of a state name, failed ones included.</summary>
    public int Writes(string stateName)
    {
        lock (_lock)
        {
            return _writes.GetValueOrDefault(stateName);
        }
    }

    public int Failed { get; private set; }

    /// <summary>Makes writes of a state name fail.</summary>
    /// <param name="stateName">For example <c>instance</c>.</param>
    /// <param name="nth">The first to fail, counted from now: 1 is the next.</param>
    /// <param name="times">Number of consecutive failures.</param>
    public void FailWrite(string stateName, FaultMoment moment, int nth = 1, int times = 1)
    {
        lock (_lock)
        {
            var first = _writes.GetValueOrDefault(stateName) + nth;
            _faults.Add(new Fault(stateName, moment, first, checked(first + times - 1)));
        }
    }

    /// <summary>Counts the writes of one case and makes one of them fail, independently of other cases.</summary>
    public void Watch(StepFaults steps)
    {
        lock (_lock)
        {
            _cases.Add(steps);
        }
    }

    internal StepFault? Take(string stateName, string key)
    {
        StepFaults? steps;
        lock (_lock)
        {
            steps = _cases.Find(one => one.Owns(key));
        }

        return steps?.Take($"write {stateName}");
    }

    public void Clear()
    {
        lock (_lock)
        {
            _faults.Clear();
        }
    }

    internal FaultMoment? Count(string stateName)
    {
        lock (_lock)
        {
            var number = _writes[stateName] = _writes.GetValueOrDefault(stateName) + 1;
            var fault = _faults.Find(f =>
                string.Equals(f.StateName, stateName, StringComparison.Ordinal) && number >= f.First && number <= f.Last
            );
            Failed += fault is null ? 0 : 1;
            return fault?.Moment;
        }
    }

    private sealed record Fault(string StateName, FaultMoment Moment, int First, int Last);
}

public enum FaultMoment
{
    /// <summary>Nothing is written.</summary>
    Before = 1,

    /// <summary>The write takes effect, but the caller receives an error.</summary>
    After = 2,
}
