using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Scheduler.Domain.Failures;

/// <summary>
/// One failure as callers, operators and logs see it: code, cause in one line (message), and remedy with numbers
/// (hint). Only <see cref="FailureCatalogue"/> creates failures; the constructor is public for readers of stored state.
/// </summary>
[GenerateSerializer, Immutable, Alias("scheduler.Failure")]
public sealed record Failure
{
    [Id(0), JsonConverter(typeof(FailureCodeConverter))]
    public FailureCode Code { get; init; }

    /// <summary>One line: what happened.</summary>
    [Id(1)]
    public string Message { get; init; } = "";

    /// <summary>One instruction computed from the facts, with numbers and units.</summary>
    [Id(2)]
    public string Hint { get; init; } = "";

    /// <summary>The facts by name, with the unit in the name (<c>needed_bytes</c>, <c>balance_micro_eur</c>).</summary>
    [Id(3)]
    public ImmutableSortedDictionary<string, string> Details { get; init; } =
        ImmutableSortedDictionary<string, string>.Empty;
}
