using System.Security.Cryptography.X509Certificates;
using Scheduler.Domain.Hosts;
using Scheduler.Domain.Secrets;

namespace Scheduler.Grains.Hosts;

/// <summary>
/// The joined hosts as this silo knows them. The silo decrypts the authority's key only to issue its own certificate, in memory, once a day.
/// </summary>
internal sealed class HostRegistry(IGrainFactory grains, ISecretVault vault, TimeProvider clock)
    : IHostRegistry,
        IDisposable
{
    private static readonly TimeSpan ReadEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan IssueEvery = TimeSpan.FromDays(1);

    private readonly SemaphoreSlim _reading = new(1, 1);
    private volatile Known? _known;

    public async Task<HostTrust> ReadAsync(CancellationToken cancellationToken)
    {
        if (_known is { } known && clock.GetElapsedTime(known.ReadAt) < ReadEvery)
        {
            return known.Trust;
        }

        await _reading.WaitAsync(cancellationToken);
        try
        {
            if (_known is { } fresh && clock.GetElapsedTime(fresh.ReadAt) < ReadEvery)
            {
                return fresh.Trust;
            }

            var now = clock.GetTimestamp();
            var read = await grains.Hosts().ReadTrustAsync().WaitAsync(cancellationToken);
            _known = Next(_known, read, now);
            return _known.Trust;
        }
        finally
        {
            _reading.Release();
        }
    }

    public Task<string?> RenewAsync(string host, string request, CancellationToken cancellationToken) =>
        grains.Hosts().RenewAsync(host, request).WaitAsync(cancellationToken);

    public void Dispose() => _reading.Dispose();

    private Known Next(Known? known, SealedTrust read, long now)
    {
        if (read is not { Authority: { } authority, AuthorityKey: { } sealedKey })
        {
            return new Known(HostTrust.None, null, now, now);
        }

        if (known?.Authority == authority && clock.GetElapsedTime(known.IssuedAt, now) < IssueEvery)
        {
            return known with { Trust = known.Trust with { Hosts = read.Hosts }, ReadAt = now };
        }

        var client = HostAuthority.IssueClient(
            authority,
            vault.Open(sealedKey, SecretBinding.OfHostAuthority()),
            clock.GetUtcNow()
        );
        return new Known(
            new HostTrust(read.Hosts, X509Certificate2.CreateFromPem(authority), client),
            authority,
            now,
            now
        );
    }

    private sealed record Known(HostTrust Trust, string? Authority, long IssuedAt, long ReadAt);
}
