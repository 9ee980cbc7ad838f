using System.Collections.Frozen;
using System.Text;
using System.Text.RegularExpressions;

namespace Scheduler.Api.OpenApi;

/// <summary>
/// The comments of the scheduler's protos by full name, because the generated descriptors do not contain them. The
/// parser supports only the layout of these protos: one declaration per line. A test checks that every element has a
/// comment.
/// </summary>
internal static partial class ProtoComments
{
    private static readonly FrozenDictionary<string, string> ByName = ReadAll();

    /// <summary>The comment above a message, field, enum, value, service or method; empty if there is none.</summary>
    /// <param name="fullName">For example <c>scheduler.v1.Account.name</c>. An enum value is below its enum.</param>
    public static string Of(string fullName) => ByName.GetValueOrDefault(fullName, "");

    private static FrozenDictionary<string, string> ReadAll()
    {
        var comments = new Dictionary<string, string>(StringComparer.Ordinal);
        var assembly = typeof(ProtoComments).Assembly;
        foreach (var resource in assembly.GetManifestResourceNames())
        {
            if (resource.EndsWith(".proto", StringComparison.Ordinal))
            {
                using var reader = new StreamReader(assembly.GetManifestResourceStream(resource)!);
                Read(reader.ReadToEnd(), comments);
            }
        }

        return comments.ToFrozenDictionary(StringComparer.Ordinal);
    }

    private static void Read(string proto, Dictionary<string, string> comments)
    {
        var scopes = new Stack<string>(["scheduler.v1"]);
        var comment = new StringBuilder();
        foreach (var raw in proto.Split('\n'))
        {
            var line = raw.Trim();
            if (line.StartsWith("//", StringComparison.Ordinal))
            {
                comment.Append(comment.Length > 0 ? " " : "").Append(line[2..].Trim());
                continue;
            }

            var name = NameOf(line);
            if (name.Length > 0)
            {
                comments[$"{scopes.Peek()}.{name}"] = comment.ToString();
            }

            comment.Clear();
            if (line.EndsWith('{'))
            {
                scopes.Push(name.Length > 0 ? $"{scopes.Peek()}.{name}" : scopes.Peek());
            }
            else if (line is "}")
            {
                scopes.Pop();
            }
        }
    }

    private static string NameOf(string line)
    {
        var block = Block().Match(line);
        return block.Success ? block.Groups["name"].Value : Member().Match(line).Groups["name"].Value;
    }

    [GeneratedRegex(@"^(?:message|enum|service|rpc)\s+(?<name>\w+)", RegexOptions.None, 1000)]
    private static partial Regex Block();

    [GeneratedRegex(@"^(?!option\b)(?:[\w.<>, ]+\s)?(?<name>\w+)\s*=\s*-?\d+\s*[;\[]", RegexOptions.None, 1000)]
    private static partial Regex Member();
}
