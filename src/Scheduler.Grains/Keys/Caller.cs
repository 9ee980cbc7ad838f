using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Keys;

namespace Scheduler.Grains.Keys;

/// <param name="Account">Account the caller may act for; null means all (operator).</param>
public sealed record Caller(string KeyId, AccountId? Account, KeyRole Role = KeyRole.Full)
{
    public bool IsOperator => Account is null;

    public string Actor => $"key:{KeyId}";

    /// <summary>
    /// Whether this caller may change or spend anything. Compares with <see cref="KeyRole.Full"/>, so that a role
    /// unknown to this build may not.
    /// </summary>
    public bool MayChange => Role == KeyRole.Full;

    public bool MayActFor(AccountId account) => Account is null || Account == account;
}

/// <summary>Result of an authentication: a caller, or one of the three AUTH failures.</summary>
public sealed record KeyVerdict(Caller? Caller, Failure? Failure);
