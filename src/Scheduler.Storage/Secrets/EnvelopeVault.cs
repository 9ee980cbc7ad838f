using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Scheduler.Domain.Secrets;

namespace Scheduler.Storage.Secrets;

/// <summary>Envelope encryption with AES-256-GCM.</summary>
/// <remarks>
/// Every value has a data key of its own, which encrypts nothing else, so its nonce cannot repeat under one key. Nonces under a master
/// key are random: 2^32 values per key keep the chance of a repeat below 2^-32 (NIST SP 800-38D). The data key is bound to the value's
/// owner and to the id of the master key, the value to its owner.
/// </remarks>
public sealed class EnvelopeVault(MasterKeys keys) : ISecretVault
{
    private static readonly int NonceBytes = AesGcm.NonceByteSizes.MaxSize;
    private static readonly int TagBytes = AesGcm.TagByteSizes.MaxSize;

    public string? Unusable => null;

    public SealedValue Seal(string value, SecretBinding binding)
    {
        var bytes = Encoding.UTF8.GetBytes(value);
        var dataKey = RandomNumberGenerator.GetBytes(MasterKeys.KeyBytes);
        try
        {
            return new SealedValue
            {
                MasterKey = keys.First,
                DataKey = Encrypt(keys.Key(keys.First), dataKey, Bound(binding, keys.First)),
                Value = Encrypt(dataKey, bytes, binding.ToBytes()),
            };
        }
        finally
        {
            CryptographicOperations.ZeroMemory(bytes);
            CryptographicOperations.ZeroMemory(dataKey);
        }
    }

    public SealedValue SealRandom(SecretBinding binding) =>
        Seal(Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(MasterKeys.KeyBytes)), binding);

    public string Open(SealedValue value, SecretBinding binding)
    {
        var dataKey = Unwrap(value, binding);
        var bytes = Decrypt(dataKey, value.Value, binding.ToBytes(), value, binding);
        try
        {
            return Encoding.UTF8.GetString(bytes);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(dataKey);
            CryptographicOperations.ZeroMemory(bytes);
        }
    }

    public SealedValue Rewrap(SealedValue value, SecretBinding binding)
    {
        if (value.MasterKey == keys.First)
        {
            return value;
        }

        var dataKey = Unwrap(value, binding);
        try
        {
            return value with
            {
                MasterKey = keys.First,
                DataKey = Encrypt(keys.Key(keys.First), dataKey, Bound(binding, keys.First)),
            };
        }
        finally
        {
            CryptographicOperations.ZeroMemory(dataKey);
        }
    }

    private byte[] Unwrap(SealedValue value, SecretBinding binding) =>
        keys.Has(value.MasterKey)
            ? Decrypt(keys.Key(value.MasterKey), value.DataKey, Bound(binding, value.MasterKey), value, binding)
            : throw new SecretUnreadableException(
                $"{binding} is encrypted with master key '{value.MasterKey}', which is not configured; add it to Secrets:MasterKeyFile or Secrets:MasterKeys."
            );

    private static byte[] Bound(SecretBinding binding, string masterKey) =>
        [.. binding.ToBytes(), 0, .. Encoding.UTF8.GetBytes(masterKey)];

    private static string Encrypt(ReadOnlySpan<byte> key, ReadOnlySpan<byte> plain, ReadOnlySpan<byte> bound)
    {
        var sealedBytes = new byte[NonceBytes + plain.Length + TagBytes];
        var nonce = sealedBytes.AsSpan(0, NonceBytes);
        RandomNumberGenerator.Fill(nonce);
        using var aes = new AesGcm(key, TagBytes);
        aes.Encrypt(
            nonce,
            plain,
            sealedBytes.AsSpan(NonceBytes, plain.Length),
            sealedBytes.AsSpan(NonceBytes + plain.Length),
            bound
        );
        return Base64Url.EncodeToString(sealedBytes);
    }

    private static byte[] Decrypt(
        ReadOnlySpan<byte> key,
        string text,
        ReadOnlySpan<byte> bound,
        SealedValue value,
        SecretBinding binding
    )
    {
        try
        {
            var sealedBytes = Base64Url.DecodeFromChars(text);
            if (sealedBytes.Length < NonceBytes + TagBytes)
            {
                throw new CryptographicException("too short");
            }

            var plain = new byte[sealedBytes.Length - NonceBytes - TagBytes];
            using var aes = new AesGcm(key, TagBytes);
            aes.Decrypt(
                sealedBytes.AsSpan(0, NonceBytes),
                sealedBytes.AsSpan(NonceBytes, plain.Length),
                sealedBytes.AsSpan(NonceBytes + plain.Length),
                plain,
                bound
            );
            return plain;
        }
        catch (Exception exception) when (exception is CryptographicException or FormatException)
        {
            throw new SecretUnreadableException(
                $"{binding} cannot be decrypted: the configured master key '{value.MasterKey}' is another one, or the stored value was changed or belongs to another row.",
                exception
            );
        }
    }
}
