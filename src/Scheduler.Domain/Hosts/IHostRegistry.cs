using System.Collections.Immutable;
using System.Security.Cryptography.X509Certificates;

namespace Scheduler.Domain.Hosts;

/// <summary>Port to the joined hosts, for the adapter that calls them.</summary>
public interface IHostRegistry
{
    /// <summary>The hosts, as they were at most a second ago, and what is needed to call them.</summary>
    Task<HostTrust> ReadAsync(CancellationToken cancellationToken);

    /// <summary>Signs a new certificate for a joined host.</summary>
    /// <returns>The certificate, PEM; null when the host has left or the request is invalid.</returns>
    Task<string?> RenewAsync(string host, string request, CancellationToken cancellationToken);
}

/// <param name="Authority">The authority of the hosts' certificates; null before the first join token.</param>
/// <param name="Client">The certificate with which this process calls them; null before the first join token.</param>
public sealed record HostTrust(ImmutableArray<JoinedHost> Hosts, X509Certificate2? Authority, X509Certificate2? Client)
{
    public static readonly HostTrust None = new([], null, null);

    public JoinedHost? Find(string name) => Hosts.FirstOrDefault(host => host.Name == name);
}

/// <summary>Port to the workers themselves: what a host tells about its state now.</summary>
public interface IHostProbe
{
    /// <summary>Whether launches may be placed on hosts that joined.</summary>
    bool IsEnabled { get; }

    /// <summary>Waits a few seconds at most, and never throws for a host that does not answer.</summary>
    Task<HostStatus> ReadAsync(JoinedHost host, CancellationToken cancellationToken);
}

/// <summary>What a host tells about itself.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.HostStatus")]
public sealed record HostStatus
{
    [Id(0)]
    public HostReach Reach { get; init; }

    /// <summary>Why it does not answer, one sentence; null when it does.</summary>
    [Id(1)]
    public string? Problem { get; init; }

    /// <summary>Version of its worker; empty while it does not answer.</summary>
    [Id(2)]
    public string Version { get; init; } = "";

    [Id(3)]
    public ImmutableArray<HostGpuView> Gpus { get; init; } = [];

    /// <summary>Keys of what runs there; while it does not answer, those that are recorded.</summary>
    [Id(4)]
    public ImmutableArray<string> Allocations { get; init; } = [];

    /// <summary>GPUs that are not offered, by reason.</summary>
    [Id(5)]
    public ImmutableSortedDictionary<string, int> Skipped { get; init; } = ImmutableSortedDictionary<string, int>.Empty;
}

public enum HostReach
{
    /// <summary>Not known.</summary>
    Unspecified = 0,

    Reachable = 1,

    /// <summary>It does not answer, and what runs there counts as running.</summary>
    Silent = 2,

    /// <summary>It has not answered for so long that what ran there counts as taken back.</summary>
    Lost = 3,
}

/// <param name="Type">Name in the GPU catalogue; empty for an unknown GPU.</param>
/// <param name="Allocation">Key of what has it; empty when it is free.</param>
[GenerateSerializer, Immutable, Alias("scheduler.HostGpuView")]
public sealed record HostGpuView(
    [property: Id(0)] string Uuid,
    [property: Id(1)] string Name,
    [property: Id(2)] string Type,
    [property: Id(3)] long TotalMib,
    [property: Id(4)] long FreeMib,
    [property: Id(5)] string Allocation
);
