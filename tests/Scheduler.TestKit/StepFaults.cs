namespace Scheduler.TestKit;

/// <summary>
/// Counts the external steps of one case by kind and makes one of them fail. Several cases share a cluster; each sees
/// only the steps of its own grains.
/// </summary>
/// <param name="owns">Whether a grain or allocation key belongs to the case.</param>
public sealed class StepFaults(Func<string, bool> owns)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, int> _taken = new(StringComparer.Ordinal);

    /// <summary>The step that fails; null in a dry run.</summary>
    public TakenStep? Goes { get; init; }

    public StepFault Wrong { get; init; }

    public bool HasHappened { get; private set; }

    /// <summary>Every step so far.</summary>
    public IReadOnlyList<TakenStep> Taken
    {
        get
        {
            lock (_lock)
            {
                return
                [
                    .. _taken.SelectMany(kind =>
                        Enumerable.Range(1, kind.Value).Select(n => new TakenStep(kind.Key, n))
                    ),
                ];
            }
        }
    }

    public bool Owns(string key) => owns(key);

    /// <summary>Counts a step.</summary>
    /// <param name="what">For example <c>write instance</c> or <c>Allocate</c>.</param>
    /// <returns>How the step fails, or null.</returns>
    public StepFault? Take(string what)
    {
        lock (_lock)
        {
            var number = _taken[what] = _taken.GetValueOrDefault(what) + 1;
            if (Goes != new TakenStep(what, number))
            {
                return null;
            }

            HasHappened = true;
            return Wrong;
        }
    }
}

/// <summary>One external step.</summary>
/// <param name="What">Kind of step, for example <c>write instance</c>.</param>
/// <param name="Number">Number within its kind, from 1.</param>
public sealed record TakenStep(string What, int Number)
{
    public override string ToString() => $"{What} #{Number}";
}

public enum StepFault
{
    /// <summary>It fails without an effect.</summary>
    Before = 1,

    /// <summary>It takes effect, and the caller receives an error.</summary>
    After = 2,

    /// <summary>It takes effect at once, and the answer is late.</summary>
    Late = 3,

    /// <summary>It is executed twice, as by a lower layer that retries.</summary>
    Twice = 4,
}
