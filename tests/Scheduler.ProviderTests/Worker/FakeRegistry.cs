using System.Collections.Immutable;
using System.Security.Cryptography.X509Certificates;
using Scheduler.Domain.Hosts;

namespace Scheduler.ProviderTests.Worker;

/// <summary>The joined hosts of one test, with a real authority.</summary>
internal sealed class FakeRegistry(TimeProvider clock) : IHostRegistry
{
    private readonly (string Certificate, string Key) _authority = HostAuthority.Make(
        clock.GetUtcNow() - TimeSpan.FromDays(365)
    );
    private HostTrust? _trust;

    public ImmutableArray<JoinedHost> Hosts { get; set; } = [];

    public string Authority => _authority.Certificate;

    public int Renewals { get; private set; }

    public string Sign(string host, string request, DateTimeOffset? at = null) =>
        HostAuthority.Sign(_authority.Certificate, _authority.Key, request, host, at ?? clock.GetUtcNow());

    public X509Certificate2 NewClient() =>
        HostAuthority.IssueClient(_authority.Certificate, _authority.Key, clock.GetUtcNow());

    public Task<HostTrust> ReadAsync(CancellationToken cancellationToken)
    {
        _trust ??= new HostTrust([], X509Certificate2.CreateFromPem(_authority.Certificate), NewClient());
        return Task.FromResult(_trust with { Hosts = Hosts });
    }

    public Task<string?> RenewAsync(string host, string request, CancellationToken cancellationToken)
    {
        Renewals++;
        return Task.FromResult<string?>(Sign(host, request));
    }
}
