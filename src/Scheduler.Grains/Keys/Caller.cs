using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Keys;

namespace Scheduler.Grains.Keys;

/// <summary>Who a request comes from, proved by a key.</summary>
/// <param name="KeyId">The key.</param>
/// <param name="Account">Whose eyes and hands; null for an operator, whose reach is all accounts.</param>
/// <param name="Role">Eyes and hands, or eyes only.</param>
public sealed record Caller(string KeyId, AccountId? Account, KeyRole Role = KeyRole.Full)
{
    /// <summary>Whether this is an operator.</summary>
    public bool IsOperator => Account is null;

    /// <summary>As events name it.</summary>
    public string Actor => $"key:{KeyId}";

    /// <summary>
    /// Whether this caller may change or spend anything at all. Asked as "is it full?", so that a role this build does not know may not.
    /// </summary>
    public bool MayChange => Role == KeyRole.Full;

    /// <summary>Whether what belongs to an account is within this caller's reach.</summary>
    /// <param name="account">The account.</param>
    public bool MayActFor(AccountId account) => Account is null || Account == account;
}

/// <summary>The answer to "who is this?": a caller, or one of the three AUTH failures.</summary>
/// <param name="Caller">Who, when the key is good.</param>
/// <param name="Failure">Why not, when it is not.</param>
public sealed record KeyVerdict(Caller? Caller, Failure? Failure);
