using System.Collections.Immutable;
using Scheduler.Domain.Hosts;
using Scheduler.Domain.Secrets;

namespace Scheduler.Grains.Hosts;

/// <summary>The GPU hosts that joined, their join tokens, and the authority of their certificates.</summary>
[Alias("scheduler.IHostsGrain")]
[GrainInterfaceType("scheduler.hosts")]
public interface IHostsGrain : IGrainWithStringKey
{
    /// <summary>Creates a join token. The first one makes the authority.</summary>
    /// <param name="fingerprint"><see cref="JoinToken.Fingerprint"/> of its secret, which only the caller knows.</param>
    [Alias("CreateToken")]
    Task<Answer<JoinTokenView>> CreateTokenAsync(
        string id,
        string fingerprint,
        int maxUses,
        TimeSpan validFor,
        CommandContext context
    );

    [Alias("DeleteToken")]
    Task<Answer<JoinTokenView>> DeleteTokenAsync(string id, CommandContext context);

    /// <summary>The tokens that can still be used.</summary>
    [Alias("ListTokens"), AlwaysInterleave]
    Task<ImmutableArray<JoinTokenView>> ListTokensAsync();

    /// <summary>Adds a host and signs its certificate. A repetition for the same key signs it again.</summary>
    [Alias("Join")]
    Task<Answer<HostGrant>> JoinAsync(HostJoin join, CommandContext context);

    /// <summary>Takes a host out of placement; what runs there continues. A repetition changes nothing.</summary>
    [Alias("Drain")]
    Task<Answer<HostView>> DrainAsync(string name, string reason, CommandContext context);

    [Alias("Undrain")]
    Task<Answer<HostView>> UndrainAsync(string name, CommandContext context);

    /// <summary>Removes a drained host on which nothing runs. It then needs a new token to join.</summary>
    /// <param name="force">Removes it also if it is not drained or something may run there, which then counts as gone.</param>
    [Alias("Remove")]
    Task<Answer<HostView>> RemoveAsync(string name, bool force, CommandContext context);

    [Alias("Get"), AlwaysInterleave]
    Task<Answer<HostView>> GetAsync(string name);

    /// <summary>In order of name, with what each host tells now. Waits a few seconds at most.</summary>
    [Alias("List"), AlwaysInterleave]
    Task<ImmutableArray<HostView>> ListAsync();

    /// <summary>The hosts and the authority, for the silos.</summary>
    [Alias("ReadTrust"), AlwaysInterleave]
    Task<SealedTrust> ReadTrustAsync();

    /// <summary>Signs a new certificate for a joined host; null when it has left or the request is invalid.</summary>
    [Alias("Renew")]
    Task<string?> RenewAsync(string name, string request);

    /// <summary>Encrypts the authority's key under the first master key. Whether that changed anything.</summary>
    [Alias("Rewrap")]
    Task<bool> RewrapAsync();
}

/// <param name="Fingerprint"><see cref="JoinToken.Fingerprint"/> of the token's secret.</param>
/// <param name="Request">Certificate request, PEM.</param>
[GenerateSerializer, Immutable, Alias("scheduler.HostJoin")]
public sealed record HostJoin(
    [property: Id(0)] string TokenId,
    [property: Id(1)] string Fingerprint,
    [property: Id(2)] string Name,
    [property: Id(3)] string Address,
    [property: Id(4)] string Request
);

/// <summary>What a host gets when it joins; both PEM.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.HostGrant")]
public sealed record HostGrant([property: Id(0)] string Certificate, [property: Id(1)] string Authority);

/// <param name="Status">What it tells now.</param>
[GenerateSerializer, Immutable, Alias("scheduler.HostView")]
public sealed record HostView([property: Id(0)] JoinedHost Host, [property: Id(1)] HostStatus Status);

/// <summary>A join token without its secret.</summary>
/// <param name="Authority">Fingerprint of the authority, which is a part of the token.</param>
[GenerateSerializer, Immutable, Alias("scheduler.JoinTokenView")]
public sealed record JoinTokenView(
    [property: Id(0)] string Id,
    [property: Id(1)] DateTimeOffset CreatedAt,
    [property: Id(2)] DateTimeOffset ExpiresAt,
    [property: Id(3)] int MaxUses,
    [property: Id(4)] int Uses,
    [property: Id(5)] string Actor,
    [property: Id(6)] string Authority
);

/// <param name="Authority">Certificate of the authority, PEM; null before the first token.</param>
/// <param name="AuthorityKey">Its private key, encrypted.</param>
[GenerateSerializer, Immutable, Alias("scheduler.SealedTrust")]
public sealed record SealedTrust(
    [property: Id(0)] ImmutableArray<JoinedHost> Hosts,
    [property: Id(1)] string? Authority,
    [property: Id(2)] SealedValue? AuthorityKey
);
