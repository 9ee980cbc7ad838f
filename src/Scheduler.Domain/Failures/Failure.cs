using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Scheduler.Domain.Failures;

/// <summary>
/// One failure as everyone sees it: what (code), in one line why (message), and what to do about it, with numbers (hint).
/// Made by <see cref="FailureCatalogue"/> alone; the constructor is there for readers of stored state.
/// </summary>
[GenerateSerializer, Immutable, Alias("scheduler.Failure")]
public sealed record Failure
{
    /// <summary>The stable code.</summary>
    [Id(0), JsonConverter(typeof(FailureCodeConverter))]
    public FailureCode Code { get; init; }

    /// <summary>One line: what happened.</summary>
    [Id(1)]
    public string Message { get; init; } = "";

    /// <summary>One instruction, computed from the facts: what to change, with numbers and units.</summary>
    [Id(2)]
    public string Hint { get; init; } = "";

    /// <summary>The facts behind both, by name (units in the name: <c>needed_bytes</c>, <c>balance_micro_eur</c>).</summary>
    [Id(3)]
    public ImmutableSortedDictionary<string, string> Details { get; init; } =
        ImmutableSortedDictionary<string, string>.Empty;
}
