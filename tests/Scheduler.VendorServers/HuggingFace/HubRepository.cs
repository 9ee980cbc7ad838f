using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Scheduler.VendorServers.HuggingFace;

/// <summary>A repository of the stand-in hub.</summary>
public sealed record HubRepository(string Id)
{
    /// <summary>Hash of its only commit, which the branch <c>main</c> names.</summary>
    public string Commit { get; init; } = "0123456789abcdef0123456789abcdef01234567";

    /// <summary>Content by name; the server pads a file to <see cref="Sizes"/>.</summary>
    public IDictionary<string, byte[]> Files { get; } = new Dictionary<string, byte[]>(StringComparer.Ordinal);

    /// <summary>Sizes of files that are longer than their content here, bytes.</summary>
    public IDictionary<string, long> Sizes { get; } = new Dictionary<string, long>(StringComparer.Ordinal);

    public string? License { get; init; }

    /// <summary>Whether only <see cref="Token"/> may read the files; others still see the list.</summary>
    public bool IsGated { get; init; }

    /// <summary>Whether only <see cref="Token"/> may see the repository at all.</summary>
    public bool IsPrivate { get; init; }

    public bool IsDisabled { get; init; }

    public string? Token { get; init; }

    public HubRepository With(string file, string content) => With(file, Encoding.UTF8.GetBytes(content));

    public HubRepository With(string file, byte[] content, long? size = null)
    {
        ArgumentNullException.ThrowIfNull(content);
        Files[file] = content;
        Sizes[file] = Math.Max(size ?? 0, content.Length);
        return this;
    }

    /// <summary>A safetensors file with one matrix of 16-bit numbers; only its header has content.</summary>
    public static byte[] Safetensors(string tensor, long rows, long columns)
    {
        var json = Encoding.UTF8.GetBytes(
            string.Create(
                CultureInfo.InvariantCulture,
                $$$"""{"{{{tensor}}}":{"dtype":"BF16","shape":[{{{rows}}},{{{columns}}}],"data_offsets":[0,{{{rows
                    * columns
                    * 2}}}]}}"""
            )
        );
        var file = new byte[json.Length + 8];
        BinaryPrimitives.WriteUInt64LittleEndian(file, (ulong)json.Length);
        json.CopyTo(file, 8);
        return file;
    }
}
