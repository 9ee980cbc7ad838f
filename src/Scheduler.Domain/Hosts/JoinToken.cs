using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace Scheduler.Domain.Hosts;

/// <summary>
/// A join token as people copy it: <c>join-{id}-{secret}-{authority}</c>. The last part is the fingerprint of the authority, so that the
/// worker trusts no other one, also if another server answers its request.
/// </summary>
/// <param name="Id">Public part, 12 of a-z 2-7.</param>
/// <param name="Secret">256 random bits, hexadecimal. Never logged or stored.</param>
/// <param name="Authority">SHA-256 of the authority's certificate, hexadecimal.</param>
public sealed partial record JoinToken(string Id, string Secret, string Authority)
{
    private const int IdLength = 12;
    private const int SecretBytes = 32;

    public static string NewId() => RandomNumberGenerator.GetString("abcdefghijklmnopqrstuvwxyz234567", IdLength);

    public static string NewSecret() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(SecretBytes));

    public static bool IsId(string text) => IdPattern().IsMatch(text);

    /// <returns>Null when the text is no token.</returns>
    public static JoinToken? Parse(string text) =>
        Pattern().Match(text) is { Success: true } match
            ? new JoinToken(match.Groups["id"].Value, match.Groups["secret"].Value, match.Groups["authority"].Value)
            : null;

    /// <summary>The whole token, with the secret.</summary>
    public string Reveal() => $"join-{Id}-{Secret}-{Authority}";

    /// <summary>The stored form of a secret. A secret has 256 random bits, so a plain hash cannot be reversed by trying.</summary>
    public static string Fingerprint(string secret) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(secret)));

    public override string ToString() => $"join-{Id}-***";

    [GeneratedRegex("^[a-z2-7]{12}\\z", RegexOptions.None, 1000)]
    private static partial Regex IdPattern();

    [GeneratedRegex(
        "^join-(?<id>[a-z2-7]{12})-(?<secret>[0-9a-f]{64})-(?<authority>[0-9a-f]{64})\\z",
        RegexOptions.None,
        1000
    )]
    private static partial Regex Pattern();
}

/// <summary>A join token as it is stored.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.StoredJoinToken")]
public sealed record StoredJoinToken
{
    [Id(0)]
    public string Id { get; init; } = "";

    /// <summary><see cref="JoinToken.Fingerprint"/> of its secret.</summary>
    [Id(1)]
    public string Fingerprint { get; init; } = "";

    [Id(2)]
    public DateTimeOffset CreatedAt { get; init; }

    [Id(3)]
    public DateTimeOffset ExpiresAt { get; init; }

    /// <summary>Hosts that may join with it, at least 1.</summary>
    [Id(4)]
    public int MaxUses { get; init; }

    /// <summary>Hosts that have joined with it.</summary>
    [Id(5)]
    public int Uses { get; init; }

    /// <summary>The originator, as in events: <c>key:{id}</c>.</summary>
    [Id(6)]
    public string Actor { get; init; } = "";

    public bool IsUsable(DateTimeOffset now) => now < ExpiresAt && Uses < MaxUses;
}

/// <summary>What a join token may be created with.</summary>
public static class JoinTokenLimits
{
    public const int DefaultUses = 1;

    public const int MostUses = HostSet.MostHosts;

    public static readonly TimeSpan DefaultValidFor = TimeSpan.FromHours(1);

    public static readonly TimeSpan ShortestValidFor = TimeSpan.FromMinutes(1);

    public static readonly TimeSpan LongestValidFor = TimeSpan.FromDays(30);
}
