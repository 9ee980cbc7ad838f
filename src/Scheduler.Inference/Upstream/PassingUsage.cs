namespace Scheduler.Inference.Upstream;

/// <summary>
/// Finds the usage in a JSON answer of any length while its bytes pass. Keeps only the bytes around the latest member
/// <c>usage</c>.
/// </summary>
internal sealed class PassingUsage
{
    /// <summary>Longest usage object that is read, bytes. Known runtimes write fewer than 500.</summary>
    private const int LongestUsage = 4096;

    private static readonly byte[] Name = [.. "\"usage\""u8];

    /// <summary>The bytes since the latest name, or the end of the answer where a name could begin.</summary>
    private readonly byte[] _kept = new byte[LongestUsage];
    private int _count;
    private bool _isInside;
    private TokenUsage? _found;

    public void Pass(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            bytes = _isInside ? PassInside(bytes) : PassOutside(bytes);
        }
    }

    /// <summary>Call once, after the last byte.</summary>
    /// <returns>False when the answer has no readable usage.</returns>
    public bool TryRead(out TokenUsage usage)
    {
        if (_isInside)
        {
            Conclude();
        }

        usage = _found.GetValueOrDefault();
        return _found is not null;
    }

    private ReadOnlySpan<byte> PassOutside(ReadOnlySpan<byte> bytes)
    {
        if (_count > 0)
        {
            // The name may have begun in the bytes before.
            var added = Math.Min(bytes.Length, Name.Length - 1);
            bytes[..added].CopyTo(_kept.AsSpan(_count));
            var joined = _kept.AsSpan(0, _count + added).IndexOf(Name);
            if (joined >= 0)
            {
                var used = joined + Name.Length - _count;
                Enter();
                return bytes[used..];
            }

            if (bytes.Length < Name.Length)
            {
                Remember(_kept.AsSpan(0, _count + added));
                return [];
            }
        }

        var at = bytes.IndexOf(Name);
        if (at >= 0)
        {
            Enter();
            return bytes[(at + Name.Length)..];
        }

        Remember(bytes);
        return [];
    }

    private ReadOnlySpan<byte> PassInside(ReadOnlySpan<byte> bytes)
    {
        var taken = Math.Min(bytes.Length, _kept.Length - _count);
        bytes[..taken].CopyTo(_kept.AsSpan(_count));
        _count += taken;
        if (_count == _kept.Length)
        {
            Conclude();
            if (_kept.AsSpan().LastIndexOf(Name) is var later and > 0)
            {
                // The member occurs again, perhaps not whole yet: goes on from there.
                _kept.AsSpan(later).CopyTo(_kept);
                _count = _kept.Length - later;
                return bytes[taken..];
            }

            _isInside = false;
            Remember(_kept);
        }

        return bytes[taken..];
    }

    private void Enter()
    {
        Name.CopyTo(_kept, 0);
        _count = Name.Length;
        _isInside = true;
    }

    /// <summary>Reads the latest readable usage of the kept bytes.</summary>
    private void Conclude()
    {
        var kept = _kept.AsSpan(0, _count);
        while (kept.Length > 0)
        {
            if (UsageReader.TryRead(kept, out var usage))
            {
                _found = usage;
                return;
            }

            kept = kept[..Math.Max(0, kept.LastIndexOf(Name))];
        }
    }

    /// <summary>Keeps the end of the bytes, in which a name could begin.</summary>
    private void Remember(ReadOnlySpan<byte> bytes)
    {
        var kept = bytes[Math.Max(0, bytes.Length - (Name.Length - 1))..];
        kept.CopyTo(_kept);
        _count = kept.Length;
    }
}
