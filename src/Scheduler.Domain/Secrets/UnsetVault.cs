namespace Scheduler.Domain.Secrets;

/// <summary>The vault of a scheduler without a master key: it stores nothing and opens nothing.</summary>
public sealed class UnsetVault : ISecretVault
{
    internal const string Advice = "No master key is configured; set Secrets:MasterKeyFile or Secrets:MasterKeys.";

    public string Unusable => Advice;

    public SealedValue Seal(string value, SecretBinding binding) => throw new SecretUnreadableException(Advice);

    public SealedValue SealRandom(SecretBinding binding) => throw new SecretUnreadableException(Advice);

    public string Open(SealedValue value, SecretBinding binding) =>
        throw new SecretUnreadableException($"The value is encrypted with master key '{value.MasterKey}'. {Advice}");

    public SealedValue Rewrap(SealedValue value, SecretBinding binding) => throw new SecretUnreadableException(Advice);
}
