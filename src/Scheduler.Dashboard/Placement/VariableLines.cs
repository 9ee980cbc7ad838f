using Scheduler.Domain.Runtimes;
using Scheduler.Domain.Secrets;
using Scheduler.Edge;

namespace Scheduler.Dashboard.Placement;

/// <summary>
/// Variables of a launch as lines of the form. The values of the form are also in the address of the page, so a line cannot hold a value
/// that looks like a secret.
/// </summary>
internal static class VariableLines
{
    public const string Accepted =
        "NAME=TEXT or NAME=secret:SECRET. Store a value that looks like a secret on the page of the account and name it";

    private const string SecretPrefix = "secret:";

    public static bool IsOne(string line) => TryRead(line, out _, out _);

    public static bool TryRead(string line, out string name, out EnvironmentValue value)
    {
        var equals = line.IndexOf('=', StringComparison.Ordinal);
        name = equals < 0 ? "" : line[..equals].Trim();
        var text = line[(equals + 1)..];
        value = text.StartsWith(SecretPrefix, StringComparison.Ordinal)
            ? new EnvironmentValue { Secret = text[SecretPrefix.Length..].Trim() }
            : new EnvironmentValue { Value = text };
        return VariableNames.IsName(name)
            && (value.Secret is { } secret ? SecretValidation.IsName(secret) : !LooksSecret(name, text));
    }

    public static string Of(KeyValuePair<string, EnvironmentValue> variable) =>
        variable.Value.Secret is { } secret ? $"{variable.Key}={SecretPrefix}{secret}"
        : LooksSecret(variable.Key, variable.Value.Value ?? "") ? $"{variable.Key}={SecretPrefix}"
        : $"{variable.Key}={variable.Value.Value?.ReplaceLineEndings(" ")}";

    private static bool LooksSecret(string name, string text) =>
        (Masking.IsSecret(name) && text.Length > 0) || Masking.Text(text) != text;
}
