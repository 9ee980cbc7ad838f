using System.Collections.Frozen;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;
using Scheduler.Grains.Firewalls;

namespace Scheduler.Inference.Firewalls;

/// <summary>
/// Copies of the firewalls of the accounts that use any, kept fresh (see <see cref="WatchedRecords{TKey, T}"/>). A copy that cannot be refreshed
/// is discarded; the next request asks the grain or fails. So a prompt never passes an outdated, weaker firewall.
/// </summary>
internal sealed partial class FirewallTable : IFirewallTable, IHostedService, IAsyncDisposable
{
    private readonly IGrainFactory _grains;
    private readonly ILogger<FirewallTable> _logger;
    private readonly WatchedRecords<AccountId, Snapshot> _accounts;

    public FirewallTable(IGrainFactory grains, TimeProvider clock, ILogger<FirewallTable> logger)
    {
        _grains = grains;
        _logger = logger;
        _accounts = new(ReadAsync, LogNotFresh, clock)
        {
            // Some ten kilobytes each.
            Capacity = 10_000,
            WatchedFor = TimeSpan.FromMinutes(10),
            KeepsStale = false,
        };
    }

    public async ValueTask<FirewallRecord?> FindAsync(
        AccountId account,
        string slug,
        CancellationToken cancellationToken
    ) => (await _accounts.FindAsync(account, cancellationToken))?.Find(slug);

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => _accounts.StopAsync(cancellationToken);

    public ValueTask DisposeAsync() => _accounts.DisposeAsync();

    private async Task<Snapshot?> ReadAsync(AccountId account, Snapshot? known, CancellationToken cancellationToken) =>
        new(await _grains.Firewalls(account).WaitForChangeAsync(known?.LastSequence ?? -1, cancellationToken));

    [LoggerMessage(
        1621,
        LogLevel.Warning,
        "Cannot refresh the firewalls of {Account}; the next request asks their grain again"
    )]
    private partial void LogNotFresh(Exception exception, AccountId account);

    private sealed class Snapshot(FirewallSet set)
    {
        private readonly FrozenDictionary<string, FirewallRecord> _firewalls = set.ListFirewalls("")
            .ToFrozenDictionary(firewall => firewall.Slug, StringComparer.Ordinal);

        public long LastSequence { get; } = set.LastSequence;

        public FirewallRecord? Find(string slug) => _firewalls.GetValueOrDefault(slug);
    }
}
