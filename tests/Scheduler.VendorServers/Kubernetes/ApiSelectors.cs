using System.Text.Json.Nodes;

namespace Scheduler.VendorServers.Kubernetes;

/// <summary>Label and field selectors with <c>=</c>, <c>!=</c> and, for labels, a bare name.</summary>
internal static class ApiSelectors
{
    internal static bool Matches(JsonObject item, string? labels, string? fields) =>
        Parts(labels).All(part => Holds(part, name => item.At("metadata", "labels").Text(name)))
        && Parts(fields).All(part => Holds(part, path => item.Text(path.Split('.'))));

    private static string[] Parts(string? selector) =>
        (selector ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private static bool Holds(string part, Func<string, string?> valueOf)
    {
        if (part.Split("!=", 2) is [var unequal, var not])
        {
            return !string.Equals(valueOf(unequal) ?? "", not, StringComparison.Ordinal);
        }

        return part.Split('=', 2) is [var name, var value]
            ? string.Equals(valueOf(name) ?? "", value.TrimStart('='), StringComparison.Ordinal)
            : valueOf(part) is not null;
    }
}
