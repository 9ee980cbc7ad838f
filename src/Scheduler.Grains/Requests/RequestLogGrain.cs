using System.Collections.Immutable;
using Microsoft.Extensions.Options;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Requests;

namespace Scheduler.Grains.Requests;

/// <summary>Passes answered requests to the store and back; holds no state.</summary>
[StatelessWorker]
[GrainType("requests")]
internal sealed class RequestLogGrain(IRequestLog log, IOptions<SchedulerOptions> options, TimeProvider clock)
    : Grain,
        IRequestLogGrain
{
    public Task RecordAsync(ImmutableArray<AnsweredRequest> requests)
    {
        if (requests.Length > IRequestLogGrain.MostAtOnce)
        {
            throw new ArgumentException($"At most {IRequestLogGrain.MostAtOnce} at once.", nameof(requests));
        }

        return requests.IsEmpty ? Task.CompletedTask : log.AddAsync(requests, CancellationToken.None);
    }

    public async Task<ImmutableArray<AnsweredRequest>> FindAsync(string id, AccountId? account, int limit) =>
        [.. await log.FindAsync(id, account, Oldest, limit, CancellationToken.None)];

    public async Task<ImmutableArray<AnsweredRequest>> ListAsync(AccountId? account, bool onlyRefused, int limit) =>
        [.. await log.ListAsync(account, onlyRefused, Oldest, limit, CancellationToken.None)];

    // A request that has expired is not shown, even where its row is not deleted yet.
    private DateTimeOffset Oldest => clock.Now() - options.Value.Requests.KeptFor;
}
