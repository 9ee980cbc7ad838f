namespace Scheduler.TestKit;

/// <summary>
/// The steps one case takes towards the outside, counted by what they are, and the one of them that goes wrong. Several cases share a
/// cluster; each sees only what its own grains do.
/// </summary>
/// <param name="owns">Whether a grain or allocation key belongs to the case.</param>
public sealed class StepFaults(Func<string, bool> owns)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, int> _taken = new(StringComparer.Ordinal);

    /// <summary>The step that goes wrong; null in a dry run.</summary>
    public TakenStep? Goes { get; init; }

    /// <summary>How.</summary>
    public StepFault Wrong { get; init; }

    /// <summary>Whether it has gone wrong.</summary>
    public bool HasHappened { get; private set; }

    /// <summary>Every step taken so far.</summary>
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

    /// <summary>Whether a key belongs to the case.</summary>
    public bool Owns(string key) => owns(key);

    /// <summary>Counts a step.</summary>
    /// <param name="what">For example <c>write instance</c> or <c>Allocate</c>.</param>
    /// <returns>How it goes wrong, or null.</returns>
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

/// <summary>One step towards the outside.</summary>
/// <param name="What">What is done, for example <c>write instance</c>.</param>
/// <param name="Number">The how manieth of its kind, from 1.</param>
public sealed record TakenStep(string What, int Number)
{
    /// <inheritdoc/>
    public override string ToString() => $"{What} #{Number}";
}

/// <summary>How a step goes wrong.</summary>
public enum StepFault
{
    /// <summary>It fails, and nothing was done.</summary>
    Before = 1,

    /// <summary>It is done, and whoever asked is told otherwise.</summary>
    After = 2,

    /// <summary>It is done at once, and whoever asked learns of it late.</summary>
    Late = 3,

    /// <summary>It is done twice, as by a layer below that tries again.</summary>
    Twice = 4,
}
