using System.Text.Json.Serialization;

namespace Scheduler.Domain.Ids;

/// <summary>One billing entity: <c>acct-</c> and a slug that the operator chose.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.AccountId")]
[JsonConverter(typeof(TextIdConverter<AccountId>))]
public readonly record struct AccountId([property: Id(0)] string Value) : ITextId<AccountId>
{
    public static AccountId From(string value) => new(value);

    public override string ToString() => Value;
}
