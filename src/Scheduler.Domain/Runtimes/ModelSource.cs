using System.Text.RegularExpressions;

namespace Scheduler.Domain.Runtimes;

/// <summary>Where a runtime loads a model from: an id of a hub, or a path of the host.</summary>
/// <param name="Location">The id with its file, without the revision, or the path.</param>
/// <param name="Revision">Branch, tag or commit at the hub; null for the hub's default.</param>
public sealed partial record ModelSource(string Location, string? Revision, bool IsPath)
{
    public const string Accepted =
        "a hub id `owner/name`, with `:file` for one quantization and `@revision` for one revision";

    /// <summary>Whether it is written as a hub accepts it. A name without an owner is one of the oldest ids.</summary>
    public bool IsHubId =>
        !IsPath
        && HubId().IsMatch(Location)
        && !Location.Contains("..", StringComparison.Ordinal)
        && (
            Revision is null || (HubRevision().IsMatch(Revision) && !Revision.Contains("..", StringComparison.Ordinal))
        );

    /// <summary>Whether a text is <c>name=owner/name</c>, as vLLM takes adapters.</summary>
    public static bool IsNamedHubId(string text) =>
        text.Split('=') is [{ Length: > 0 } name, var id]
        && name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '.' or '_' or '-')
        && Of(id) is { IsHubId: true, Revision: null }
        && id.Contains('/', StringComparison.Ordinal);

    public static ModelSource Of(string text)
    {
        if (
            text.StartsWith('/')
            || text.StartsWith('.')
            || text.StartsWith('~')
            || text.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase)
        )
        {
            return new ModelSource(text, null, true);
        }

        var at = text.IndexOf('@', StringComparison.Ordinal);
        return at < 0 ? new ModelSource(text, null, false) : new ModelSource(text[..at], text[(at + 1)..], false);
    }

    /// <summary>Whether the path is a plain absolute one below a directory.</summary>
    public bool IsBelow(string directory)
    {
        var folder = directory.EndsWith('/') ? directory : directory + "/";
        return IsPath
            && Location.StartsWith(folder, StringComparison.Ordinal)
            && Location.Length > folder.Length
            && !Location.Split('/')[1..].Any(part => part is "" or "." or "..");
    }

    [GeneratedRegex(
        @"^[A-Za-z0-9][A-Za-z0-9._-]{0,95}(?:/[A-Za-z0-9_][A-Za-z0-9._-]{0,95})?(?::[A-Za-z0-9._-]{1,64})?\z",
        RegexOptions.None,
        1000
    )]
    private static partial Regex HubId();

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}\z", RegexOptions.None, 1000)]
    private static partial Regex HubRevision();
}
