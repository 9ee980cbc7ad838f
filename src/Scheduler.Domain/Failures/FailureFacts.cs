using System.Collections.Immutable;
using System.Globalization;

namespace Scheduler.Domain.Failures;

/// <summary>
/// What is known about one failure, typed. Each code has its own facts record, in the slice that finds it out; its
/// <see cref="Describe"/> is the hint builder, and <see cref="FailureCatalogue.Describe"/> the only caller.
/// </summary>
/// <param name="Code">Which failure these facts are about.</param>
public abstract record FailureFacts(FailureCode Code)
{
    /// <summary>One line of what happened, one instruction with numbers, and the facts by name.</summary>
    protected internal virtual FailureText Describe()
    {
        var definition = FailureCatalogue.Definition(Code);
        return new FailureText(definition.Cause, definition.Remedy, Details());
    }

    /// <summary>Facts by name; empty values are left out.</summary>
    /// <param name="facts">Name and value; numbers are written invariantly.</param>
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

/// <summary>The three parts a failure shows.</summary>
/// <param name="Message">One line: what happened.</param>
/// <param name="Hint">One instruction, with numbers and units.</param>
/// <param name="Details">The facts by name.</param>
public readonly record struct FailureText(
    string Message,
    string Hint,
    ImmutableSortedDictionary<string, string> Details
);
