namespace Scheduler.Domain.Services;

/// <summary>
/// The loads of the latest time, each averaged over <see cref="AveragedOver"/>. Kept in memory: after a loss it is empty, and
/// <see cref="Since"/> says so.
/// </summary>
/// <param name="since">When the observation began.</param>
public sealed class LoadWindow(DateTimeOffset since)
{
    /// <summary>Time over which a load is averaged, so that one burst within a second does not count as a load.</summary>
    public static readonly TimeSpan AveragedOver = TimeSpan.FromSeconds(3);

    /// <summary>Loads are kept this long: the longest window of a spec.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromHours(1);

    private readonly List<LoadSample> _averages = [];
    private readonly Queue<LoadSample> _latest = new();

    /// <summary>Nothing is known about the load before.</summary>
    public DateTimeOffset Since { get; } = since;

    /// <summary>The latest average; zero before the first sample.</summary>
    public LoadSample Current { get; private set; } = new(since, 0, 0, 0);

    /// <summary>Time of the latest load above zero; <see cref="Since"/> without one.</summary>
    public DateTimeOffset LastLoadAt { get; private set; } = since;

    /// <summary>Adds a sample; samples come in the order of time.</summary>
    public void Add(LoadSample sample)
    {
        _latest.Enqueue(sample);
        while (_latest.TryPeek(out var oldest) && sample.At - oldest.At >= AveragedOver)
        {
            _latest.Dequeue();
        }

        Current = new LoadSample(
            sample.At,
            _latest.Average(one => one.Outstanding),
            _latest.Average(one => one.Held),
            _latest.Average(one => one.TokensPerSecond)
        );
        _averages.Add(Current);
        if (sample.At - _averages[0].At > 2 * Longest)
        {
            _averages.RemoveAll(known => sample.At - known.At > Longest);
        }

        if (sample.Requests > 0 || sample.TokensPerSecond > 0)
        {
            LastLoadAt = sample.At;
        }
    }

    /// <summary>The largest requests and the largest tokens a second within a time before <paramref name="now"/>.</summary>
    public LoadSample Largest(TimeSpan window, DateTimeOffset now)
    {
        var (outstanding, held, tokens) = (Current.Outstanding, Current.Held, Current.TokensPerSecond);
        for (var i = _averages.Count - 1; i >= 0 && now - _averages[i].At <= window; i--)
        {
            var sample = _averages[i];
            if (sample.Requests > outstanding + held)
            {
                (outstanding, held) = (sample.Outstanding, sample.Held);
            }

            tokens = Math.Max(tokens, sample.TokensPerSecond);
        }

        return new LoadSample(now, outstanding, held, tokens);
    }
}
