using System.Collections.Immutable;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;

namespace Scheduler.Grains.Queries;

internal sealed partial class FleetGrain
{
    /// <summary>Most hits of one kind; a longer list is no answer.</summary>
    private const int MostHits = 20;

    /// <summary>Most accounts, balancers and models that a search reads.</summary>
    private const int MostRead = 1000;

    public async Task<ImmutableArray<SearchHit>> SearchAsync(string text, AccountId? account)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(text);
        var snapshot = catalogue.For(account).Page.Snapshot;
        var hits = ImmutableArray.CreateBuilder<SearchHit>();
        hits.AddRange(await SearchInstancesAsync(text, account));
        AddMatching(
            SearchKind.Balancer,
            (await ListBalancersAsync(account, "", MostRead)).Select(one =>
                (one.Id.Value, one.ServingName, (AccountId?)one.Account)
            )
        );
        AddMatching(
            SearchKind.Account,
            (await NameAccountsAsync(account)).Select(one => (one.Id.Value, one.Name, (AccountId?)one.Id))
        );
        AddNames(SearchKind.Provider, directory.OpenTo(account).Select(id => id.Value).Order(StringComparer.Ordinal));
        AddNames(SearchKind.Region, snapshot.Regions);
        AddNames(SearchKind.GpuType, snapshot.Shapes.Select(shape => shape.GpuType).Distinct(StringComparer.Ordinal));
        AddNames(SearchKind.Model, (await ListModelsAsync(account, "", MostRead)).Select(model => model.Name));
        return hits.ToImmutable();

        void AddNames(SearchKind kind, IEnumerable<string> names) =>
            AddMatching(kind, names.Select(name => (name, name, (AccountId?)null)));

        void AddMatching(SearchKind kind, IEnumerable<(string Id, string Name, AccountId? Account)> all) =>
            hits.AddRange(
                all.Where(one => Has(one.Id, text) || Has(one.Name, text))
                    .Select(one => new SearchHit(
                        kind,
                        one.Id,
                        one.Name.Length > 0 ? one.Name : one.Id,
                        one.Account,
                        Is(one.Id, text) || Is(one.Name, text)
                    ))
                    .OrderByDescending(hit => hit.IsExact)
                    .Take(MostHits)
            );
    }

    public Task<MicroEuro> BurnOfInstancesAsync(InstanceQuery query, int most) =>
        instances.SumBurnAsync(query, most, CancellationToken.None);

    /// <summary>By serving name, model or id; or else by the id of the provider's allocation.</summary>
    private async Task<IEnumerable<SearchHit>> SearchInstancesAsync(string text, AccountId? account)
    {
        var query = new InstanceQuery { Account = account, Limit = MostHits };
        var named = await instances.ListAsync(query with { ServingName = text }, CancellationToken.None);
        var found = await instances.ListAsync(query with { Text = text }, CancellationToken.None);
        var all = named.Instances.Concat(found.Instances).DistinctBy(record => record.Id).Take(MostHits).ToList();
        if (all.Count > 0)
        {
            return all.Select(record => HitOf(record, Is(record.ServingName, text) || Is(record.Id.Value, text)));
        }

        var allocated = await instances.ListByAllocationAsync(text, account, MostHits, CancellationToken.None);
        return allocated.Select(record => HitOf(record, isExact: true));
    }

    private async Task<IEnumerable<(AccountId Id, string Name)>> NameAccountsAsync(AccountId? account)
    {
        if (account is { } own)
        {
            return [(own, (await GrainFactory.Account(own).GetAsync(own)).Value?.DisplayName ?? "")];
        }

        var all = await entities.ListAsync<AccountRecord>("account", null, "", MostRead, CancellationToken.None);
        return all.Select(one => (one.Id, one.DisplayName));
    }

    private static SearchHit HitOf(InstanceRecord record, bool isExact) =>
        new(SearchKind.Instance, record.Id.Value, record.ServingName, record.Account, isExact);

    private static bool Has(string name, string text) => name.Contains(text, StringComparison.OrdinalIgnoreCase);

    private static bool Is(string name, string text) => name.Equals(text, StringComparison.OrdinalIgnoreCase);
}
