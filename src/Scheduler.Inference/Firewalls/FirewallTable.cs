using System.Collections.Frozen;
using Microsoft.Extensions.Logging;
using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;
using Scheduler.Grains.Firewalls;

namespace Scheduler.Inference.Firewalls;

/// <summary>
/// The firewalls of each account that uses any, kept fresh (see <see cref="WatchedRecords{TKey, T}"/>). A copy that
/// cannot be refreshed is discarded; the next request asks the grain or fails. So a prompt never passes an outdated,
/// weaker firewall.
/// </summary>
internal sealed partial class FirewallTable : IFirewallTable, IAsyncDisposable
{
    private readonly ILogger<FirewallTable> _logger;
    private readonly WatchedRecords<AccountId, Firewalls> _accounts;

    public FirewallTable(IGrainFactory grains, TimeProvider clock, ILogger<FirewallTable> logger)
    {
        _logger = logger;
        _accounts = new(
            async (account, known, stop) =>
                new Firewalls(await grains.Firewalls(account).WaitForChangeAsync(known?.LastSequence ?? -1, stop)),
            LogNotFresh,
            clock
        )
        {
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

    public ValueTask DisposeAsync() => _accounts.DisposeAsync();

    [LoggerMessage(
        1621,
        LogLevel.Warning,
        "Cannot refresh the firewalls of {Account}; the next request reads them from their grain"
    )]
    private partial void LogNotFresh(Exception exception, AccountId account);

    private sealed class Firewalls(FirewallSet set)
    {
        private readonly FrozenDictionary<string, FirewallRecord> _bySlug = set.ListFirewalls("")
            .ToFrozenDictionary(firewall => firewall.Slug, StringComparer.Ordinal);

        public long LastSequence { get; } = set.LastSequence;

        public FirewallRecord? Find(string slug) => _bySlug.GetValueOrDefault(slug);
    }
}
