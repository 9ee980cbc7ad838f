using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Keys;

namespace Scheduler.Grains.Keys;

/// <summary>The authenticated caller of a request.</summary>
/// <param name="Account">Account the caller may act for; null means all (operator).</param>
public sealed record Caller(string KeyId, AccountId? Account, KeyRole Role = KeyRole.Full)
{
    public bool IsOperator => Account is null;

    /// <summary>Name of the caller in events.</summary>
    public string Actor => $"key:{KeyId}";

    /// <summary>
    /// Whether this caller may change or spend anything. Compares with <see cref="KeyRole.Full"/>, so that a role
    /// unknown to this build may not.
    /// </summary>
    public bool MayChange => Role == KeyRole.Full;

    /// <summary>Whether the caller may access an account's resources.</summary>
    public bool MayActFor(AccountId account) => Account is null || Account == account;
}

/// <summary>Result of an authentication: a caller, or one of the three AUTH failures.</summary>
/// <param name="Caller">Null when the key is not valid.</param>
/// <param name="Failure">Null when the key is valid.</param>
public sealed record KeyVerdict(Caller? Caller, Failure? Failure);
