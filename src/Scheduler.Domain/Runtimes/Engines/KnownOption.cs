using System.Collections.Immutable;

namespace Scheduler.Domain.Runtimes.Engines;

/// <summary>An option that does not state a quantity of the plan.</summary>
/// <param name="Names">All spellings, with their dashes.</param>
public sealed record KnownOption(ImmutableArray<string> Names, OptionRule Rule, OptionValues Values)
{
    /// <summary>Which values are accepted; null for all.</summary>
    public Func<string, bool>? Accepts { get; private init; }

    /// <summary>The accepted values, for messages.</summary>
    public string Accepted { get; private init; } = "";

    /// <param name="options">Separated by spaces; spellings of one option by <c>|</c>.</param>
    public static ImmutableArray<KnownOption> Flags(string options) =>
        Of(options, OptionRule.Allowed, OptionValues.None);

    /// <inheritdoc cref="Flags"/>
    public static ImmutableArray<KnownOption> WithValue(string options) =>
        Of(options, OptionRule.Allowed, OptionValues.One);

    /// <inheritdoc cref="Flags"/>
    /// <summary>Options of the scheduler or the operator: address, keys, files, logs, code.</summary>
    public static ImmutableArray<KnownOption> Own(string options) => Of(options, OptionRule.Own, OptionValues.Many);

    /// <inheritdoc cref="Flags"/>
    /// <summary>Options that change memory or parallelism in a way that no plan states.</summary>
    public static ImmutableArray<KnownOption> Unjudged(string options) =>
        Of(options, OptionRule.Unjudged, OptionValues.Many);

    /// <param name="words">The accepted values, separated by spaces.</param>
    public static KnownOption OneOf(string names, string words)
    {
        var accepted = words.Split(' ').ToImmutableArray();
        return new KnownOption(PlanOption.Split(names), OptionRule.Allowed, OptionValues.One)
        {
            Accepts = accepted.Contains,
            Accepted = string.Join(", ", accepted),
        };
    }

    public static KnownOption Many(string names, Func<string, bool> accepts, string accepted) =>
        new(PlanOption.Split(names), OptionRule.Allowed, OptionValues.Many) { Accepts = accepts, Accepted = accepted };

    private static ImmutableArray<KnownOption> Of(string options, OptionRule rule, OptionValues values) =>
        [
            .. options
                .Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)
                .Select(names => new KnownOption(PlanOption.Split(names), rule, values)),
        ];
}

public enum OptionRule
{
    /// <summary>A caller may pass it.</summary>
    Allowed = 1,

    /// <summary>The scheduler or its operator decides it.</summary>
    Own = 2,

    /// <summary>It changes memory or parallelism, and the estimate does not know how.</summary>
    Unjudged = 3,
}

/// <summary>How many values follow an option.</summary>
public enum OptionValues
{
    None = 0,
    One = 1,

    /// <summary>Up to the next option.</summary>
    Many = 2,
}
