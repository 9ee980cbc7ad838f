using System.Text.RegularExpressions;

namespace Scheduler.Domain.Runtimes;

/// <summary>References of container images: <c>repository[:tag][@sha256:digest]</c>.</summary>
public static partial class ImageReference
{
    /// <summary>The form of a reference, for messages.</summary>
    public const string Accepted = "REPOSITORY[:TAG][@sha256:DIGEST], at most 255 characters";

    private const int Longest = 255;

    public static bool IsReference(string text) => text.Length <= Longest && Reference().IsMatch(text);

    /// <summary>
    /// Whether an operator's entry covers an image. <c>ghcr.io/acme/</c> covers all repositories below it, <c>ghcr.io/acme/vllm</c> every
    /// tag and digest of one, <c>ghcr.io/acme/vllm@sha256:…</c> one content.
    /// </summary>
    public static bool Covers(string entry, string image) =>
        image == entry
        || (entry.EndsWith('/') && image.StartsWith(entry, StringComparison.Ordinal))
        || (
            image.StartsWith(entry, StringComparison.Ordinal)
            && image[entry.Length] is ':' or '@'
            && !entry.Contains('@', StringComparison.Ordinal)
        );

    [GeneratedRegex(
        @"^[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?::[0-9]{1,5}(?=/))?(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*(?::[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(?:@sha256:[0-9a-f]{64})?\z",
        RegexOptions.None,
        1000
    )]
    private static partial Regex Reference();
}
