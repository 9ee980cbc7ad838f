using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Keys;

namespace Scheduler.Grains.Keys;

/// <summary>
/// Authenticates callers for all endpoints of this process. A key's grain is asked at most once a second and its
/// answer cached for as long. So every process refuses a revoked key within one second, and the one that revoked it
/// at once (INV-09).
/// </summary>
/// <remarks>
/// Answers reveal nothing to a guesser: a malformed token costs no grain call, an unknown key id is compared with a
/// dummy, and all comparisons take the same time. A revocation is final: a late answer from before the revocation
/// never replaces a cached "revoked".
/// </remarks>
public sealed partial class KeyAuthority
{
    private static readonly TimeSpan Remembered = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan TouchEvery = TimeSpan.FromMinutes(1);
    private static readonly byte[] NoKey = new byte[SHA256.HashSizeInBytes];

    private readonly IGrainFactory _grains;
    private readonly TimeProvider _clock;
    private readonly ILogger<KeyAuthority> _logger;
    private readonly KeyCache _known;

    public KeyAuthority(IGrainFactory grains, TimeProvider clock, ILogger<KeyAuthority> logger)
    {
        _grains = grains;
        _clock = clock;
        _logger = logger;
        _known = new KeyCache(clock, Remembered);
    }

    /// <summary>A new token; its <see cref="KeyToken.Reveal"/> is shown to its holder once.</summary>
    /// <param name="keyId">The public half, or null for a random one.</param>
    public static KeyToken NewToken(string? keyId = null) =>
        new(
            keyId ?? NewKeyId(),
            Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)).TrimEnd('=').Replace('+', '-').Replace('/', '_')
        );

    /// <summary>SHA-256 of a token's secret in its stored form.</summary>
    public static string Fingerprint(KeyToken token) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(token.Secret)));

    /// <param name="authorization">Value of the Authorization header; null or empty when there is none.</param>
    public async Task<KeyVerdict> VerifyAsync(string? authorization)
    {
        if (string.IsNullOrWhiteSpace(authorization))
        {
            return Refuse(new MissingTokenFacts());
        }

        const string scheme = "Bearer ";
        if (!authorization.StartsWith(scheme, StringComparison.OrdinalIgnoreCase))
        {
            return Refuse(new InvalidTokenFacts(TokenFault.NotBearer, null));
        }

        if (!KeyToken.TryParse(authorization[scheme.Length..].Trim(), out var token))
        {
            return Refuse(new InvalidTokenFacts(TokenFault.Malformed, null));
        }

        var key = await FindAsync(token.KeyId);
        var given = SHA256.HashData(Encoding.ASCII.GetBytes(token.Secret));
        var kept = key is { Exists: true } ? Convert.FromHexString(key.SecretSha256) : NoKey;
        var matches = CryptographicOperations.FixedTimeEquals(given, kept);
        if (!matches || key is null)
        {
            return Refuse(new InvalidTokenFacts(TokenFault.NoMatch, KeyToken.PrefixOf(token.KeyId)));
        }

        if (key.RevokedAt is { } revokedAt)
        {
            return Refuse(new RevokedTokenFacts(key.Id, revokedAt));
        }

        Touch(key);
        return new KeyVerdict(new Caller(key.Id, key.Account, key.Role), null);
    }

    /// <summary>Checks whether a key is still valid, for streams that outlive their first check.</summary>
    /// <returns>The failure; null while the key is valid.</returns>
    public async Task<Failure?> RecheckAsync(Caller caller)
    {
        var key = await FindAsync(caller.KeyId);
        return key switch
        {
            null => FailureCatalogue.Describe(
                new InvalidTokenFacts(TokenFault.NoMatch, KeyToken.PrefixOf(caller.KeyId))
            ),
            { RevokedAt: { } revokedAt } => FailureCatalogue.Describe(new RevokedTokenFacts(key.Id, revokedAt)),
            _ => null,
        };
    }

    /// <summary>Whether a session is neither over nor ended. The key itself is checked by <see cref="RecheckAsync"/>.</summary>
    public async Task<bool> IsOpenAsync(string keyId, KeySession session) =>
        session.EndsAt > _clock.GetUtcNow()
        && await FindAsync(keyId) is { } key
        && key.EndedSessions?.Contains(session) is not true;

    /// <summary>
    /// Ends a session: this process refuses it at once, every other one within one second, like a revoked key.
    /// </summary>
    public async Task EndSessionAsync(string keyId, KeySession session)
    {
        var answer = await _grains.Key(keyId).EndSessionAsync(session);

        // The age counts from after the call, so that an answer from before the end cannot replace this one.
        _known.Put(keyId, answer.Value, _clock.GetTimestamp());
    }

    /// <summary>Refuses the sessions that a key's record names as ended at once, in this process.</summary>
    public void RecordEndedSessions(KeyRecord key) => _known.Put(key.Id, key, _clock.GetTimestamp());

    /// <summary>Records a session that a sign-in begins.</summary>
    public Task BeginSessionAsync(string keyId, KeySession session) => _grains.Key(keyId).BeginSessionAsync(session);

    /// <summary>Caches a revocation at once and permanently.</summary>
    public void RecordRevoked(KeyRecord revoked) => _known.Put(revoked.Id, revoked, _clock.GetTimestamp());

    /// <summary>Creates an operator key with this token if missing, for fresh installations.</summary>
    /// <param name="token">The whole token, <c>sk-…</c>.</param>
    /// <exception cref="ArgumentException">The token is malformed.</exception>
    /// <exception cref="InvalidOperationException">Its public half already belongs to another key.</exception>
    public async Task<KeyRecord> EnsureBootstrapOperatorKeyAsync(string token)
    {
        if (!KeyToken.TryParse(token, out var parsed))
        {
            throw new ArgumentException(
                "The bootstrap operator key is malformed; accepted is `sk-`, 12 of a-z 2-7, `-`, 43 of A-Z a-z 0-9 _ -.",
                nameof(token)
            );
        }

        var answer = await _grains
            .Key(parsed.KeyId)
            .CreateAsync(
                new CreateKey(null, "bootstrap operator key", Fingerprint(parsed)),
                new CommandContext(new RequestId("req-bootstrap"), "scheduler", null)
            );
        if (answer.Value is not { } key)
        {
            throw new InvalidOperationException(
                $"The bootstrap operator key cannot be used: {answer.Refusal?.Message} Configure a token with another public half."
            );
        }

        if (key.RevokedAt is { } revokedAt)
        {
            LogBootstrapRevoked(key.Id, revokedAt);
        }

        return key;
    }

    private static string NewKeyId() =>
        "key-" + RandomNumberGenerator.GetString("abcdefghijklmnopqrstuvwxyz234567", KeyToken.IdLength);

    private static KeyVerdict Refuse(FailureFacts facts) => new(null, FailureCatalogue.Describe(facts));

    private async ValueTask<KeyRecord?> FindAsync(string keyId)
    {
        if (_known.TryGet(keyId, out var known))
        {
            return known;
        }

        // The age counts from before the call, so that an answer is never older than its recorded age.
        var asked = _clock.GetTimestamp();
        var answer = await _grains.Key(keyId).GetAsync(null);
        return _known.Put(keyId, answer.Value, asked);
    }

    // Not awaited: a store that cannot record the use must not reject a valid key.
    private void Touch(KeyRecord key)
    {
        var now = _clock.GetUtcNow();
        if (now - (key.LastUsedAt ?? DateTimeOffset.MinValue) >= TouchEvery && _known.MayTouch(key.Id, TouchEvery))
        {
            _grains.Key(key.Id).TouchAsync(now).Ignore();
        }
    }
}
