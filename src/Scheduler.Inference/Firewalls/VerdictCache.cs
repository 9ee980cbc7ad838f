using System.Collections.Concurrent;
using System.Collections.Immutable;

namespace Scheduler.Inference.Firewalls;

/// <summary>
/// Cache of judges' answers, so that a client that repeats a prompt does not wait twice. Only answers are cached,
/// never a missing verdict. All entries live equally long, so the queue's front holds the oldest.
/// </summary>
internal sealed class VerdictCache(int capacity, TimeSpan lifetime, TimeProvider clock)
{
    private readonly ConcurrentDictionary<VerdictKey, Verdict> _verdicts = new();
    private readonly ConcurrentQueue<(VerdictKey Key, Verdict Verdict)> _byAge = new();

    /// <summary>Answers in the cache, expired ones included.</summary>
    public int Count => _byAge.Count;

    public bool TryGet(VerdictKey key, out ImmutableArray<bool> answers)
    {
        var isKnown = _verdicts.TryGetValue(key, out var verdict) && !IsOld(verdict);
        answers = isKnown ? verdict!.Answers : [];
        return isKnown;
    }

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
                // Only if it was not replaced by a newer one.
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
