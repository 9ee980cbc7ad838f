namespace Scheduler.Domain.Secrets;

/// <summary>
/// An encrypted value, safe to store: a data key of its own encrypts it, and a master key encrypts the data key. A change of the
/// master key therefore rewrites the short data key only.
/// </summary>
[GenerateSerializer, Immutable, Alias("scheduler.SealedValue")]
public sealed record SealedValue
{
    /// <summary>Id of the master key.</summary>
    [Id(0)]
    public string MasterKey { get; init; } = "";

    /// <summary>The encrypted data key: nonce, ciphertext and tag, base64url.</summary>
    [Id(1)]
    public string DataKey { get; init; } = "";

    /// <summary>The encrypted value: nonce, ciphertext and tag, base64url.</summary>
    [Id(2)]
    public string Value { get; init; } = "";
}
