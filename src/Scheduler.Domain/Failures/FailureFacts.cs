using System.Collections.Immutable;
using System.Globalization;

namespace Scheduler.Domain.Failures;

/// <summary>
/// Typed facts of one failure. Each code has its own record in the slice that detects the failure.
/// <see cref="Describe"/> builds the hint; only <see cref="FailureCatalogue.Describe"/> calls it.
/// </summary>
public abstract record FailureFacts(FailureCode Code)
{
    /// <summary>Builds the message, the hint with numbers, and the facts by name.</summary>
    protected internal virtual FailureText Describe()
    {
        var definition = FailureCatalogue.Definition(Code);
        return new FailureText(definition.Cause, definition.Remedy, Details());
    }

    /// <summary>Facts by name, without empty values; numbers in the invariant culture.</summary>
    protected static ImmutableSortedDictionary<string, string> Details(
        params ReadOnlySpan<(string Name, object? Value)> facts
    )
    {
        var details = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in facts)
        {
            if (Convert.ToString(value, CultureInfo.InvariantCulture) is { Length: > 0 } text)
            {
                details[name] = text;
            }
        }

        return details.ToImmutable();
    }
}

public readonly record struct FailureText(
    string Message,
    string Hint,
    ImmutableSortedDictionary<string, string> Details
);
