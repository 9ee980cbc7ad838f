using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;

namespace Scheduler.Grains.Keys;

/// <summary>Who a request comes from, proved by a key.</summary>
/// <param name="KeyId">The key.</param>
/// <param name="Account">Whose eyes and hands; null for an operator, who may act on all accounts.</param>
public sealed record Caller(string KeyId, AccountId? Account)
{
    /// <summary>Whether this is an operator.</summary>
    public bool IsOperator => Account is null;

    /// <summary>As events name it.</summary>
    public string Actor => $"key:{KeyId}";

    /// <summary>Whether this caller may see and change what belongs to an account.</summary>
    /// <param name="account">The account.</param>
    public bool MayActFor(AccountId account) => Account is null || Account == account;
}

/// <summary>The answer to "who is this?": a caller, or one of the three AUTH failures.</summary>
/// <param name="Caller">Who, when the key is good.</param>
/// <param name="Failure">Why not, when it is not.</param>
public sealed record KeyVerdict(Caller? Caller, Failure? Failure);
