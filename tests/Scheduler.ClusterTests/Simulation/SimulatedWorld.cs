using System.Globalization;

namespace Scheduler.ClusterTests.Simulation;

/// <summary>
/// One thread, one queue of due actions and one seed. Everything in a simulation happens here, one action after
/// another, in an order that the seed decides. The queue defines the time; the thread never waits.
/// </summary>
internal sealed class SimulatedWorld(int seed)
{
    /// <summary>Steps kept for the report of a failure.</summary>
    private const int StepsKept = 120;

    /// <summary>More steps than this without passing time count as an endless loop.</summary>
    private const int MostAtOnce = 200_000;

    private readonly PriorityQueue<Action, (long At, long Order)> _due = new();
    private readonly List<Turns> _ready = [];
    private readonly Queue<string> _steps = new(StepsKept);
    private readonly int _thread = Environment.CurrentManagedThreadId;
    private long _order;
    private long _atOnce;
    private volatile string? _strayed;

    /// <summary>Start time of every simulation.</summary>
    public static readonly DateTimeOffset Start = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    /// <summary>The source of all decisions.</summary>
    public Random Random { get; } = new(seed);

    public FaultRates FaultRates { get; set; } = FaultRates.Calm;

    /// <summary>Time since the start.</summary>
    public TimeSpan Elapsed { get; private set; }

    /// <summary>The true time; silos have clocks of their own.</summary>
    public DateTimeOffset Now => Start + Elapsed;

    /// <summary>The first violation of an invariant; null without one.</summary>
    public string? Violation { get; private set; }

    /// <summary>Hash of all recorded steps: equal for equal histories.</summary>
    public ulong Digest { get; private set; } = 14_695_981_039_346_656_037;

    public long Steps { get; private set; }

    /// <summary>The latest steps, for the report.</summary>
    public IEnumerable<string> Latest => _steps;

    /// <summary>Receives all recorded steps, if set.</summary>
    public TextWriter? Transcript { get; init; }

    /// <summary>Records a step.</summary>
    public void Record(string what)
    {
        var line = string.Create(CultureInfo.InvariantCulture, $"{Elapsed.TotalSeconds, 9:0.000} {what}");
        if (_steps.Count == StepsKept)
        {
            _steps.Dequeue();
        }

        _steps.Enqueue(line);
        Transcript?.WriteLine(line);
        unchecked
        {
            // FNV-1a; any stable function of the text would be sufficient.
            foreach (var letter in line)
            {
                Digest = (Digest ^ letter) * 1_099_511_628_211;
            }
        }
    }

    /// <summary>Records a violation. Only the first is kept.</summary>
    public void Violate(string what)
    {
        Record($"VIOLATION {what}");
        Violation ??= what;
    }

    public void Require(bool holds, string what)
    {
        if (!holds)
        {
            Violate(what);
        }
    }

    public bool Happens(double probability) => probability > 0 && Random.NextDouble() < probability;

    /// <summary>A uniformly distributed time span.</summary>
    public TimeSpan Between(double fromSeconds, double toSeconds) =>
        TimeSpan.FromMilliseconds(Math.Floor(1000 * (fromSeconds + (Random.NextDouble() * (toSeconds - fromSeconds)))));

    /// <summary>Schedules an action, whether or not its caller still runs.</summary>
    public void After(TimeSpan delay, Action what)
    {
        RequireThread();
        _due.Enqueue(what, ((Elapsed + (delay > TimeSpan.Zero ? delay : TimeSpan.Zero)).Ticks, _order++));
    }

    /// <summary>
    /// An external operation: its effect takes place after the delay, even if the caller no longer waits. The caller
    /// can cancel its wait.
    /// </summary>
    public Task<T> LaterAsync<T>(TimeSpan delay, Func<T> what, CancellationToken cancellationToken = default)
    {
        // Continuations go to the scheduler of the waiting code, never to the pool, so they need not be asynchronous.
        var answer = new TaskCompletionSource<T>();
        cancellationToken.Register(() => answer.TrySetCanceled(cancellationToken));
        After(
            delay,
            () =>
            {
                try
                {
                    answer.TrySetResult(what());
                }
                catch (Exception exception)
                {
                    answer.TrySetException(exception);
                }
            }
        );
        return answer.Task;
    }

    /// <summary>Runs until a condition holds, a time has passed or a violation occurred.</summary>
    /// <returns>Whether the condition holds.</returns>
    public bool RunUntil(Func<bool> isSo, TimeSpan atMost)
    {
        var end = Elapsed + atMost;
        while (Violation is null && Elapsed <= end)
        {
            if (isSo())
            {
                return true;
            }

            Step();
        }

        return false;
    }

    public void Run(TimeSpan time) => RunUntil(() => false, time);

    internal void Ready(Turns turns)
    {
        RequireThread();
        _ready.Add(turns);
    }

    internal void NotReady(Turns turns) => _ready.Remove(turns);

    private void Step()
    {
        Steps++;
        if (_strayed is { } where)
        {
            Violate($"work of the simulation ran on another thread: {where}");
            return;
        }

        if (_ready.Count > 0)
        {
            Require(++_atOnce < MostAtOnce, "an endless loop runs without passing time");
            _ready[Random.Next(_ready.Count)].RunOne();
            return;
        }

        if (!_due.TryDequeue(out var what, out var moment))
        {
            Violate("no action is due: the background services have stopped");
            return;
        }

        if (moment.At > Elapsed.Ticks)
        {
            Elapsed = TimeSpan.FromTicks(moment.At);
            _atOnce = 0;
        }

        what();
    }

    // Work that leaves the thread returns in an order that no seed decides.
    private void RequireThread()
    {
        if (Environment.CurrentManagedThreadId != _thread)
        {
            _strayed = Environment.StackTrace;
            throw new InvalidOperationException("Work of the simulation ran on another thread.");
        }
    }
}
