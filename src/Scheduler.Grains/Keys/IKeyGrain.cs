using System.Collections.Immutable;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Keys;

namespace Scheduler.Grains.Keys;

[Alias("scheduler.IKeyGrain")]
[GrainInterfaceType("scheduler.key")]
public interface IKeyGrain : IGrainWithStringKey
{
    /// <summary>Creates the key with the SHA-256 of a secret that only the caller has seen.</summary>
    [Alias("Create")]
    Task<Answer<KeyRecord>> CreateAsync(CreateKey command, CommandContext context);

    /// <param name="account">Account of the caller; null means all accounts (operator).</param>
    [Alias("Get"), AlwaysInterleave]
    Task<Answer<KeyRecord>> GetAsync(AccountId? account);

    /// <summary>Revokes the key permanently; idempotent.</summary>
    [Alias("Revoke")]
    Task<Answer<KeyRecord>> RevokeAsync(CommandContext context);

    /// <summary>Records a session that begins now, so that it can be listed and ended.</summary>
    [Alias("BeginSession")]
    Task BeginSessionAsync(KeySession session);

    /// <summary>Ends open sessions of the key before their time; idempotent.</summary>
    /// <param name="ids">The sessions; empty means all. One that is not open has no effect.</param>
    [Alias("EndSessions")]
    Task<Answer<KeyRecord>> EndSessionsAsync(ImmutableArray<string> ids, CommandContext context);

    /// <summary>Ends a session of the key before its time; idempotent.</summary>
    [Alias("EndSession")]
    Task<Answer<KeyRecord>> EndSessionAsync(KeySession session);

    /// <summary>Records a use of the key, at most once a minute.</summary>
    [Alias("Touch"), OneWay]
    Task TouchAsync(DateTimeOffset usedAt);
}

/// <param name="Account">Null for an operator key.</param>
/// <param name="SecretSha256">SHA-256 of the secret half, hexadecimal.</param>
[GenerateSerializer, Immutable, Alias("scheduler.CreateKey")]
public sealed record CreateKey(
    [property: Id(0)] AccountId? Account,
    [property: Id(1)] string DisplayName,
    [property: Id(2)] string SecretSha256,
    [property: Id(3)] KeyRole Role = KeyRole.Full
);
