using Scheduler.Domain.Ids;
using Scheduler.Domain.Keys;

namespace Scheduler.Grains.Keys;

/// <summary>One API key, by its public half.</summary>
[Alias("scheduler.IKeyGrain")]
[GrainInterfaceType("scheduler.key")]
public interface IKeyGrain : IGrainWithStringKey
{
    /// <summary>Creates it with the SHA-256 of a secret that only the caller has seen.</summary>
    [Alias("Create")]
    Task<Answer<KeyRecord>> CreateAsync(CreateKey command, CommandContext context);

    /// <summary>What is recorded.</summary>
    /// <param name="account">Whose eyes; null for an operator.</param>
    [Alias("Get"), AlwaysInterleave]
    Task<Answer<KeyRecord>> GetAsync(AccountId? account);

    /// <summary>Revokes it for good; harmless when repeated.</summary>
    [Alias("Revoke")]
    Task<Answer<KeyRecord>> RevokeAsync(CommandContext context);

    /// <summary>Notes that it was used; recorded at most once a minute.</summary>
    [Alias("Touch"), OneWay]
    Task TouchAsync(DateTimeOffset usedAt);
}

/// <summary>What a create asks for.</summary>
/// <param name="Account">Whose; null for an operator key.</param>
/// <param name="DisplayName">For people.</param>
/// <param name="SecretSha256">SHA-256 of the secret half, hexadecimal.</param>
/// <param name="Role">What it may do.</param>
[GenerateSerializer, Immutable, Alias("scheduler.CreateKey")]
public sealed record CreateKey(
    [property: Id(0)] AccountId? Account,
    [property: Id(1)] string DisplayName,
    [property: Id(2)] string SecretSha256,
    [property: Id(3)] KeyRole Role = KeyRole.Full
);
