using Microsoft.Extensions.Logging;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Grains.Providers;

namespace Scheduler.Grains.Instances;

/// <summary>
/// Wakes instances that wait for capacity when a provider lists more than before. It wakes them in the order of waiting, only those whose
/// constraints the gained offers meet, and only until the gained number is taken. It stores nothing: the list of instances is the queue.
/// </summary>
internal sealed partial class CapacityWaiters(
    IInstanceIndex index,
    ProviderDirectory directory,
    OfferCatalogue catalogue,
    TimeProvider clock,
    ILogger<CapacityWaiters> logger
)
{
    /// <summary>Most instances asked in one step; the next step follows a second later.</summary>
    public const int MostAsked = 32;

    private const int Page = 1000;

    /// <summary>Most waiting instances considered; those created later wait until some have left.</summary>
    private const int MostListed = 10 * Page;

    /// <summary>Asks the next waiting instances. Gains that are left over need another step.</summary>
    public async Task StepAsync(
        ProviderId provider,
        SnapshotVersion published,
        CapacityGains gains,
        IGrainFactory grains,
        CancellationToken cancellationToken
    )
    {
        var asked = 0;
        var edition = gains.Edition;
        foreach (var waiting in await ListAsync(null, cancellationToken))
        {
            if (gains.IsEmpty || cancellationToken.IsCancellationRequested)
            {
                return;
            }

            if (!gains.IsNext(waiting) || !MayServe(gains, provider, waiting))
            {
                continue;
            }

            if (asked++ == MostAsked)
            {
                return;
            }

            gains.Ask(waiting);
            await AskAsync(waiting.Id, provider, published, gains, grains);
        }

        gains.EndRound(edition, clock.Now());
    }

    /// <summary>The place of an instance among those of its account that wait, from 1, and their number; null if it does not wait.</summary>
    public async Task<WaitingPlace?> PlaceOfAsync(
        AccountId account,
        InstanceId instance,
        CancellationToken cancellationToken
    )
    {
        var waiting = await ListAsync(account, cancellationToken);
        var place = waiting.FindIndex(record => record.Id == instance);
        return place < 0 ? null : new WaitingPlace(place + 1, waiting.Count);
    }

    /// <summary>Whether the account may rent at the provider, and the gained offers meet the constraints of the launch.</summary>
    private bool MayServe(CapacityGains gains, ProviderId provider, InstanceRecord waiting) =>
        directory.IsOpenTo(provider, waiting.Account)
        && gains.MayServe(catalogue.For(waiting.Account).Names.Check(waiting.Spec).Spec.Constraints);

    private async Task AskAsync(
        InstanceId waiting,
        ProviderId provider,
        SnapshotVersion published,
        CapacityGains gains,
        IGrainFactory grains
    )
    {
        try
        {
            var answer = await grains
                .GetGrain<IInstanceInbox>(waiting.Value)
                .CapacityAppearedAsync(provider, published);
            if (answer.IsRepeated)
            {
                gains.Repeat();
            }
            else if (answer.Taken is { } taken)
            {
                gains.Take(taken);
            }
        }
        catch (Exception exception)
        {
            // One instance that cannot be asked must not keep the others waiting.
            LogNotAsked(exception, waiting);
            gains.Repeat();
        }
    }

    /// <summary>The waiting instances; the one that waits longest comes first.</summary>
    private async Task<List<InstanceRecord>> ListAsync(AccountId? account, CancellationToken cancellationToken)
    {
        var all = new List<InstanceRecord>();
        var query = new InstanceQuery
        {
            Account = account,
            States = [InstanceState.Waiting],
            Sort = InstanceSort.Oldest,
            Limit = Page,
        };
        do
        {
            var page = await index.ListAsync(query, cancellationToken);
            all.AddRange(page.Instances);
            query = query with { After = page.Next };
        } while (query.After is not null && all.Count < MostListed);

        all.Sort((a, b) => CapacityGains.PlaceOf(a).CompareTo(CapacityGains.PlaceOf(b)));
        return all;
    }

    [LoggerMessage(
        1221,
        LogLevel.Warning,
        "Instance {Instance} waits for capacity and could not be asked; asking again"
    )]
    private partial void LogNotAsked(Exception exception, InstanceId instance);
}

/// <summary>The place of a waiting instance among those of its account.</summary>
/// <param name="Place">From 1.</param>
/// <param name="Of">Instances of the account that wait, at least <paramref name="Place"/>.</param>
[GenerateSerializer, Immutable, Alias("scheduler.WaitingPlace")]
public sealed record WaitingPlace([property: Id(0)] int Place, [property: Id(1)] int Of);
