namespace Scheduler.Domain.Secrets;

/// <summary>Port to the master keys: encrypts values before they are stored. Safe for any thread.</summary>
public interface ISecretVault
{
    /// <summary>Why nothing can be sealed, one sentence for an operator; null when it can.</summary>
    string? Unusable { get; }

    /// <summary>Encrypts under the first master key.</summary>
    /// <exception cref="SecretUnreadableException">The vault is <see cref="Unusable"/>.</exception>
    SealedValue Seal(string value, SecretBinding binding);

    /// <summary>Makes a random text of 256 bits (43 characters of base64url) and encrypts it.</summary>
    /// <exception cref="SecretUnreadableException">The vault is <see cref="Unusable"/>.</exception>
    SealedValue SealRandom(SecretBinding binding);

    /// <summary>Decrypts. It never returns another value than the sealed one.</summary>
    /// <exception cref="SecretUnreadableException">
    /// The master key is not configured or another one, or the value was changed or belongs to another binding.
    /// </exception>
    string Open(SealedValue value, SecretBinding binding);

    /// <summary>The same value under the first master key; the given object when it is already.</summary>
    /// <exception cref="SecretUnreadableException">As for <see cref="Open"/>.</exception>
    SealedValue Rewrap(SealedValue value, SecretBinding binding);
}
