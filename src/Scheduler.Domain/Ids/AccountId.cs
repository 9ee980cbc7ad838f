using System.Text.Json.Serialization;
using System.Text.RegularExpressions;

namespace Scheduler.Domain.Ids;

/// <summary>One billing entity: <c>acct-</c> and a slug that the operator chose.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.AccountId")]
[JsonConverter(typeof(TextIdConverter<AccountId>))]
public readonly partial record struct AccountId([property: Id(0)] string Value) : ITextId<AccountId>
{
    public static AccountId From(string value) => new(value);

    /// <summary>Whether a text has the form of an id: <c>acct-</c>, then 1 to 40 of a-z, 0-9 and <c>-</c>.</summary>
    public static bool IsValid(string text) => Form().IsMatch(text);

    public override string ToString() => Value;

    [GeneratedRegex(@"^acct-[a-z0-9-]{1,40}\z", RegexOptions.None, 1000)]
    private static partial Regex Form();
}
