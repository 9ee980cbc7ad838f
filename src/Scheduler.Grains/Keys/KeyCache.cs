using System.Collections.Concurrent;
using Scheduler.Domain.Keys;

namespace Scheduler.Grains.Keys;

/// <summary>Cache of keys in one process. Caches unknown keys too, so that guesses stay cheap.</summary>
internal sealed class KeyCache(TimeProvider clock, TimeSpan lifetime)
{
    /// <summary>Most keys; above it expired entries are dropped, or all if that is not enough.</summary>
    public const int Capacity = 100_000;

    private readonly ConcurrentDictionary<string, Entry> _entries = new(StringComparer.Ordinal);

    public bool TryGet(string keyId, out KeyRecord? key)
    {
        key = null;
        if (!_entries.TryGetValue(keyId, out var entry) || (!entry.IsFinal && IsOld(entry)))
        {
            return false;
        }

        key = entry.Key;
        return true;
    }

    /// <summary>Caches an answer, unless the current entry is final or newer.</summary>
    /// <returns>The entry's key after the call.</returns>
    public KeyRecord? Put(string keyId, KeyRecord? key, long asked)
    {
        if (_entries.Count >= Capacity)
        {
            Shrink();
        }

        var entry = new Entry(key, asked, 0);
        return _entries
            .AddOrUpdate(
                keyId,
                static (_, fresh) => fresh,
                static (_, old, fresh) =>
                    old.IsFinal || (!fresh.IsFinal && old.Asked > fresh.Asked)
                        ? old
                        : fresh with
                        {
                            Touched = old.Touched,
                        },
                entry
            )
            .Key;
    }

    /// <summary>Whether the last use may be recorded again; true for one caller only.</summary>
    public bool MayTouch(string keyId, TimeSpan every)
    {
        if (!_entries.TryGetValue(keyId, out var entry))
        {
            return false;
        }

        var now = clock.GetTimestamp();
        var due = entry.Touched == 0 || clock.GetElapsedTime(entry.Touched, now) >= every;
        return due && _entries.TryUpdate(keyId, entry with { Touched = now }, entry);
    }

    private bool IsOld(Entry entry) => clock.GetElapsedTime(entry.Asked) >= lifetime;

    private void Shrink()
    {
        foreach (var (keyId, entry) in _entries)
        {
            if (IsOld(entry))
            {
                _entries.TryRemove(keyId, out _);
            }
        }

        if (_entries.Count >= Capacity)
        {
            _entries.Clear();
        }
    }

    private sealed record Entry(KeyRecord? Key, long Asked, long Touched)
    {
        public bool IsFinal => Key?.RevokedAt is not null;
    }
}
