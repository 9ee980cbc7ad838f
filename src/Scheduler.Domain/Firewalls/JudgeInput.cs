using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace Scheduler.Domain.Firewalls;

/// <summary>The text of a request, piece by piece. It is sent to judges only.</summary>
public sealed class JudgeInput
{
    /// <summary>
    /// Longer texts are not judged: a verdict about a part of a text would let the rest pass. The limit is above the
    /// context length of small judges.
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

    /// <summary>In the order of the request.</summary>
    public ImmutableArray<JudgeInputPart> Parts => _parts;

    /// <summary>Data URLs of the images of the request, for a judge that reads images.</summary>
    public ImmutableArray<string> Images { get; init; } = [];

    /// <summary>Whether this is all that the model reads; false when a judge cannot be shown a part of it.</summary>
    public bool IsWhole { get; init; } = true;

    /// <summary>Characters of all roles and texts.</summary>
    public long Length { get; }

    /// <summary>
    /// SHA-256 of the pieces and images, hexadecimal. Lengths are hashed too, so different pieces never yield the same bytes.
    /// </summary>
    public string Digest() => _digest ??= Hash();

    private string Hash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var part in _parts)
        {
            Append(hash, part.Role);
            Append(hash, part.Text);
        }

        foreach (var image in Images)
        {
            Append(hash, "");
            Append(hash, "image");
            Append(hash, image);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>The beginning of the text, for a firewall that keeps prompts.</summary>
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

        // Do not end with half of a surrogate pair.
        var length = Math.Min(text.Length, longest);
        return text.ToString(0, length > 0 && char.IsHighSurrogate(text[length - 1]) ? length - 1 : length);
    }

    /// <summary>Contains nothing of the text (INV-13).</summary>
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
