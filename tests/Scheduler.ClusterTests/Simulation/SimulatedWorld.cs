using System.Globalization;

namespace Scheduler.ClusterTests.Simulation;

/// <summary>
/// One thread, one queue of what is due, one seed: everything that happens in a simulation happens here, one thing after another, in an
/// order the seed decides. Time is what the queue says; nothing ever waits.
/// </summary>
internal sealed class SimulatedWorld(int seed)
{
    /// <summary>Steps kept for the report of a failure.</summary>
    private const int StepsKept = 120;

    /// <summary>Steps at one moment after which something is held to spin.</summary>
    private const int MostAtOnce = 200_000;

    private readonly PriorityQueue<Action, (long At, long Order)> _due = new();
    private readonly List<Turns> _ready = [];
    private readonly Queue<string> _steps = new(StepsKept);
    private readonly int _thread = Environment.CurrentManagedThreadId;
    private long _order;
    private long _atOnce;
    private volatile string? _strayed;

    /// <summary>When every simulation begins.</summary>
    public static readonly DateTimeOffset Start = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    /// <summary>Decides everything.</summary>
    public Random Random { get; } = new(seed);

    /// <summary>What troubles there are.</summary>
    public Weather Weather { get; set; } = Weather.Calm;

    /// <summary>Time since the beginning.</summary>
    public TimeSpan Elapsed { get; private set; }

    /// <summary>The true time; silos have clocks of their own.</summary>
    public DateTimeOffset Now => Start + Elapsed;

    /// <summary>What must never happen and did; null while all is well.</summary>
    public string? Violation { get; private set; }

    /// <summary>Of everything told: equal for equal histories.</summary>
    public ulong Digest { get; private set; } = 14_695_981_039_346_656_037;

    /// <summary>Steps taken.</summary>
    public long Steps { get; private set; }

    /// <summary>The latest steps, for the report.</summary>
    public IEnumerable<string> Latest => _steps;

    /// <summary>Everything told, for whoever wants to see all of it.</summary>
    public TextWriter? Transcript { get; init; }

    /// <summary>Notes what happens.</summary>
    public void Tell(string what)
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
            // FNV-1a: any stable function of the text would do.
            foreach (var letter in line)
            {
                Digest = (Digest ^ letter) * 1_099_511_628_211;
            }
        }
    }

    /// <summary>Something happened that must not. The first counts.</summary>
    public void Violate(string what)
    {
        Tell($"VIOLATION {what}");
        Violation ??= what;
    }

    /// <summary>Checks what must hold.</summary>
    public void Require(bool holds, string what)
    {
        if (!holds)
        {
            Violate(what);
        }
    }

    /// <summary>Whether something of this probability happens now.</summary>
    public bool Happens(double probability) => probability > 0 && Random.NextDouble() < probability;

    /// <summary>A span between two, evenly.</summary>
    public TimeSpan Between(double fromSeconds, double toSeconds) =>
        TimeSpan.FromMilliseconds(Math.Floor(1000 * (fromSeconds + (Random.NextDouble() * (toSeconds - fromSeconds)))));

    /// <summary>Has something happen later, whoever lives then.</summary>
    public void After(TimeSpan delay, Action what)
    {
        RequireThread();
        _due.Enqueue(what, ((Elapsed + (delay > TimeSpan.Zero ? delay : TimeSpan.Zero)).Ticks, _order++));
    }

    /// <summary>
    /// Something the outside does: its effect comes after a while, also when nobody waits any more; whoever waits may call the waiting off.
    /// </summary>
    public Task<T> LaterAsync<T>(TimeSpan delay, Func<T> what, CancellationToken cancellationToken = default)
    {
        // Continuations go to the scheduler of whoever waits, never to the pool, so they need not be made asynchronous.
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

    /// <summary>Lives until something is so, or a time has passed, or something happened that must not.</summary>
    /// <returns>Whether it came to be so.</returns>
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

    /// <summary>Lives for a while.</summary>
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
            Require(++_atOnce < MostAtOnce, "something spins without time passing");
            _ready[Random.Next(_ready.Count)].RunOne();
            return;
        }

        if (!_due.TryDequeue(out var what, out var moment))
        {
            Violate("nothing is due any more: the keepers are dead");
            return;
        }

        if (moment.At > Elapsed.Ticks)
        {
            Elapsed = TimeSpan.FromTicks(moment.At);
            _atOnce = 0;
        }

        what();
    }

    // What leaves the thread comes back in an order no seed decides.
    private void RequireThread()
    {
        if (Environment.CurrentManagedThreadId != _thread)
        {
            _strayed = Environment.StackTrace;
            throw new InvalidOperationException("Work of the simulation ran on another thread.");
        }
    }
}
