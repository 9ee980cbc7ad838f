using System.Collections.Concurrent;
using System.Collections.Immutable;

namespace Scheduler.Inference.Firewalls;

/// <summary>
/// Answers of judges, for a while: a client that repeats itself does not wait twice. Answers alone; that there was none is never
/// remembered. All live equally long, so the oldest are the first to go, and one look at the front of the queue finds them.
/// </summary>
/// <param name="capacity">Most answers.</param>
/// <param name="lifetime">How long each is good.</param>
/// <param name="clock">Measures that.</param>
internal sealed class VerdictMemory(int capacity, TimeSpan lifetime, TimeProvider clock)
{
    private readonly ConcurrentDictionary<VerdictKey, Verdict> _verdicts = new();
    private readonly ConcurrentQueue<(VerdictKey Key, Verdict Verdict)> _byAge = new();

    /// <summary>Answers remembered now, old ones among them.</summary>
    public int Count => _byAge.Count;

    /// <summary>The answers to a text, if they are remembered.</summary>
    public bool TryGet(VerdictKey key, out ImmutableArray<bool> answers)
    {
        var isKnown = _verdicts.TryGetValue(key, out var verdict) && !IsOld(verdict);
        answers = isKnown ? verdict!.Answers : [];
        return isKnown;
    }

    /// <summary>Remembers the answers to a text.</summary>
    public void Put(VerdictKey key, ImmutableArray<bool> answers)
    {
        if (capacity == 0)
        {
            return;
        }

        var verdict = new Verdict(answers, clock.GetTimestamp());
        _verdicts[key] = verdict;
        _byAge.Enqueue((key, verdict));
        while (_byAge.TryPeek(out var oldest) && (_byAge.Count > capacity || IsOld(oldest.Verdict)))
        {
            if (_byAge.TryDequeue(out oldest))
            {
                // Only if it was not replaced by a younger one.
                _verdicts.TryRemove(new KeyValuePair<VerdictKey, Verdict>(oldest.Key, oldest.Verdict));
            }
        }
    }

    private bool IsOld(Verdict verdict) => clock.GetElapsedTime(verdict.Since) >= lifetime;

    private sealed class Verdict(ImmutableArray<bool> answers, long since)
    {
        public ImmutableArray<bool> Answers { get; } = answers;

        public long Since { get; } = since;
    }
}
