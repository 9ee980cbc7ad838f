using Scheduler.Domain.Runtimes;

namespace Scheduler.Providers.Http;

/// <summary>Text of a vendor, made safe to store and show.</summary>
internal static class VendorWords
{
    /// <summary>Longest text that a rejection keeps, characters.</summary>
    internal const int MaxChars = 1024;

    /// <summary>One line without control characters and secrets, cut to <see cref="MaxChars"/>.</summary>
    /// <param name="secret">A value to remove, for example the API key; null or empty removes none.</param>
    internal static string Clean(string text, string? secret = null)
    {
        var bounded = text.Length > 4 * MaxChars ? text[..(4 * MaxChars)] : text;
        var plain = string.IsNullOrEmpty(secret)
            ? bounded
            : bounded.Replace(secret, "[secret]", StringComparison.Ordinal);
        return OutputLines.Clean(plain, MaxChars);
    }
}
