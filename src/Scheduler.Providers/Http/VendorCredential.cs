using System.Security.Cryptography;
using System.Text;

namespace Scheduler.Providers.Http;

/// <summary>
/// The API key of an account, from a file or an environment variable. Each call reads it, so a new key is used without a
/// restart. A refused key is not sent again until it changes, or a minute has passed.
/// </summary>
internal sealed class VendorCredential(string vendor, VendorOptions options, TimeProvider clock)
{
    /// <summary>A longer file is not a key.</summary>
    private const int MaxChars = 16 << 10;

    /// <summary>A vendor may ban callers that repeat a bad key, and may accept the same key again later.</summary>
    private static readonly TimeSpan RefusedFor = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private Refusal? _refusal;

    private sealed record Refusal(string Hash, string Message, string TenantWords, DateTimeOffset Until);

    /// <summary>Where the key is from, for messages.</summary>
    internal string Source =>
        options.ApiKeyFile is { } file ? $"the file {file}" : $"the variable {options.ApiKeyEnvironment}";

    private string NoKey => $"this scheduler has no API key of {vendor}";

    /// <exception cref="CredentialRefusedException">There is no key, or the vendor refused it.</exception>
    internal async Task<string> ReadAsync(CancellationToken cancellationToken)
    {
        var key = (await ReadSourceAsync(cancellationToken)).Trim();
        if (key.Length is 0 or > MaxChars || key.Any(letter => char.IsControl(letter) || letter > '~'))
        {
            throw new CredentialRefusedException($"{Source} holds no API key of {vendor}") { TenantWords = NoKey };
        }

        lock (_lock)
        {
            return _refusal is { } refusal && refusal.Hash == HashOf(key) && refusal.Until > clock.GetUtcNow()
                ? throw new CredentialRefusedException(refusal.Message) { TenantWords = refusal.TenantWords }
                : key;
        }
    }

    /// <summary>Notes that the vendor refused a key.</summary>
    /// <param name="words">The vendor's words, cleaned.</param>
    internal CredentialRefusedException Refuse(string key, string words)
    {
        var message = $"{vendor} refuses the API key in {Source}; put a valid one there. It says: {words}";
        var tenantWords = $"{vendor} refuses the API key of this scheduler: {words}";
        lock (_lock)
        {
            _refusal = new Refusal(HashOf(key), message, tenantWords, clock.GetUtcNow() + RefusedFor);
        }

        return new CredentialRefusedException(message) { TenantWords = tenantWords };
    }

    private async Task<string> ReadSourceAsync(CancellationToken cancellationToken)
    {
        if (options.ApiKeyFile is not { } file)
        {
            return Environment.GetEnvironmentVariable(options.ApiKeyEnvironment ?? "") ?? "";
        }

        try
        {
            return await File.ReadAllTextAsync(file, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CredentialRefusedException($"The API key of {vendor} cannot be read: {e.Message}", e)
            {
                TenantWords = NoKey,
            };
        }
    }

    private static string HashOf(string key) => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(key)));
}
