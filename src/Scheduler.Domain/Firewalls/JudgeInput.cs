using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace Scheduler.Domain.Firewalls;

/// <summary>What a request says, piece by piece. It is never written anywhere but to a judge.</summary>
public sealed class JudgeInput
{
    /// <summary>
    /// Longer texts are not judged: a judge asked about a part of a text would say yes to what lies in the rest. Longer than the contexts
    /// that small judges run with.
    /// </summary>
    public const int LongestLength = 400_000;

    private readonly ImmutableArray<JudgeInputPart> _parts;
    private string? _digest;

    /// <param name="parts">In the order of the request.</param>
    public JudgeInput(params ImmutableArray<JudgeInputPart> parts)
    {
        _parts = parts;
        Length = parts.Sum(part => (long)part.Role.Length + part.Text.Length);
    }

    /// <summary>The pieces, in the order of the request.</summary>
    public ImmutableArray<JudgeInputPart> Parts => _parts;

    /// <summary>Characters in all.</summary>
    public long Length { get; }

    /// <summary>SHA-256 of the pieces; different pieces never make the same bytes.</summary>
    public string Digest() => _digest ??= Hash();

    private string Hash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var part in _parts)
        {
            Append(hash, part.Role);
            Append(hash, part.Text);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Its beginning, for a firewall that keeps prompts.</summary>
    /// <param name="longest">Most characters.</param>
    public string Beginning(int longest)
    {
        var text = new StringBuilder(Math.Min(longest, 256));
        foreach (var part in _parts)
        {
            if (text.Length >= longest)
            {
                break;
            }

            text.Append(part.Role).Append(": ").Append(part.Text, 0, Math.Min(part.Text.Length, longest)).Append('\n');
        }

        // Half of a surrogate pair is no character.
        var length = Math.Min(text.Length, longest);
        return text.ToString(0, length > 0 && char.IsHighSurrogate(text[length - 1]) ? length - 1 : length);
    }

    /// <summary>Says nothing of the text (INV-13).</summary>
    public override string ToString() => $"{_parts.Length} parts";

    private static void Append(IncrementalHash hash, string text)
    {
        // As they are in memory: an encoding would make all halves of surrogate pairs the same.
        var bytes = MemoryMarshal.AsBytes(text.AsSpan());
        Span<byte> length = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length);
        hash.AppendData(length);
        hash.AppendData(bytes);
    }
}
