using System.Text.Json.Serialization;

namespace Scheduler.Domain.Ids;

/// <summary>One billing entity: <c>acct-</c> and a slug the operator chose.</summary>
/// <param name="Value">The text, as stored and shown.</param>
[GenerateSerializer, Immutable, Alias("scheduler.AccountId")]
[JsonConverter(typeof(TextIdConverter<AccountId>))]
public readonly record struct AccountId([property: Id(0)] string Value) : ITextId<AccountId>
{
    /// <inheritdoc/>
    public static AccountId From(string value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value;
}
