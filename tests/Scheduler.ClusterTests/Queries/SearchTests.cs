using System.Collections.Immutable;
using Scheduler.Domain.Ids;
using Scheduler.Grains;
using Scheduler.Grains.Keys;
using Scheduler.Grains.Queries;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.ClusterTests.Queries;

public sealed class SearchTests
{
    [Fact]
    public async Task A_search_finds_every_kind_of_thing_within_the_access_scope_INV_08()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var (mine, other) = (await scheduler.AccountAsync("mine"), await scheduler.AccountAsync("other"));
        var running = await scheduler.RunningAsync(mine);
        var theirs = await scheduler.RunningAsync(other);
        var offer = running.Intent!.Offer;

        foreach (
            var (text, kind, id) in new[]
            {
                (running.ServingName, SearchKind.Instance, running.Id.Value),
                (running.Id.Value, SearchKind.Instance, running.Id.Value),
                (running.Allocation!.ProviderAllocationId, SearchKind.Instance, running.Id.Value),
                (mine.Value, SearchKind.Account, mine.Value),
                (offer.Provider.Value, SearchKind.Provider, offer.Provider.Value),
                (offer.Region.ToUpperInvariant(), SearchKind.Region, offer.Region),
                (offer.GpuType, SearchKind.GpuType, offer.GpuType),
                (running.Spec.Model, SearchKind.Model, running.Spec.Model),
            }
        )
        {
            var own = Assert.Single(await FindAsync(text, mine), hit => hit.IsExact && hit.Kind == kind);
            Assert.Equal(id, own.Id);
            Assert.Contains(await FindAsync(text, null), hit => hit.IsExact && hit.Kind == kind && hit.Id == id);
        }

        Assert.Empty(await FindAsync(theirs.Id.Value, mine));
        Assert.Empty(await FindAsync(theirs.Allocation!.ProviderAllocationId, mine));
        Assert.Empty(await FindAsync(other.Value, mine));
        Assert.Empty(await FindAsync("nothing is called so", null));
        Assert.All(
            await FindAsync("a", mine),
            hit => Assert.True(hit.Account is null || hit.Account == mine, hit.ToString())
        );

        Task<ImmutableArray<SearchHit>> FindAsync(string text, AccountId? account) =>
            scheduler.Grains.Fleet().SearchAsync(text, account);
    }

    [Fact]
    public async Task Pages_of_operator_keys_are_full_although_accounts_have_keys_between_them()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync();
        var wanted = new List<string>();
        foreach (var letter in "abcdef")
        {
            var isOperators = letter is 'b' or 'e' or 'f';
            var token = KeyAuthority.NewToken($"key-{new string(letter, 12)}");
            var command = new CreateKey(isOperators ? null : account, "", KeyAuthority.Fingerprint(token));
            TestScheduler.Good(await scheduler.Grains.Key(token.KeyId).CreateAsync(command, scheduler.As(null)));
            if (isOperators)
            {
                wanted.Add(token.KeyId);
            }
        }

        var fleet = scheduler.Grains.Fleet();
        var first = await fleet.ListKeysAsync(null, "", 2);
        var second = await fleet.ListKeysAsync(null, first[^1].Id, 2);

        Assert.Equal((2, 1), (first.Length, second.Length));
        Assert.Equal(wanted, first.Concat(second).Select(key => key.Id));
        Assert.Equal(3, (await fleet.ListKeysAsync(account, "", 10)).Length);
    }
}
