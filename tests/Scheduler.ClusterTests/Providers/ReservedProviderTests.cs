using System.Collections.Frozen;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;
using Scheduler.Grains;
using Scheduler.Grains.Queries;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.ClusterTests.Providers;

/// <summary>A provider that only some accounts may use.</summary>
public sealed class ReservedProviderTests
{
    private static readonly AccountId Owner = new("acct-owner");

    private static readonly ProviderId Own = new("own");

    [Fact]
    public async Task Only_its_accounts_launch_on_it_also_when_it_is_the_cheapest()
    {
        await using var scheduler = await DeployAsync();
        var owner = await scheduler.AccountAsync("owner");
        var stranger = await scheduler.AccountAsync("stranger");

        Assert.Equal(Owner, owner);
        Assert.Equal(Own, (await scheduler.RunningAsync(owner)).Intent!.Offer.Provider);
        Assert.Equal("open", (await scheduler.RunningAsync(stranger)).Intent!.Offer.Provider.Value);
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task A_stranger_gets_no_launch_and_no_word_of_it_when_nothing_else_is_on_offer()
    {
        await using var scheduler = await DeployAsync(openOffers: 0);
        var owner = await scheduler.AccountAsync("owner");
        var stranger = await scheduler.AccountAsync("stranger");
        var fleet = scheduler.Grains.Fleet();

        Assert.True(TestScheduler.Good(await fleet.ExplainAsync(owner, Make.Spec())).WouldLaunch);
        var explained = TestScheduler.Good(await fleet.ExplainAsync(stranger, Make.Spec()));

        Assert.Equal(FailureCode.SmartNoMatch, explained.Failure!.Code);
        Assert.Equal(0, explained.OffersIn);
        Assert.Empty(explained.Refused);
        Assert.Empty(explained.Relaxations);
        var id = await scheduler.CreateAsync(stranger);
        Assert.Equal(FailureCode.SmartNoMatch, (await scheduler.LaunchAsync(id)).Refusal!.Failure!.Code);
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task Lists_search_and_names_show_it_only_to_its_accounts_and_to_operators()
    {
        await using var scheduler = await DeployAsync();
        var owner = await scheduler.AccountAsync("owner");
        var stranger = await scheduler.AccountAsync("stranger");

        Assert.Equal((true, true, true, true), await SeenAsync(scheduler, null));
        Assert.Equal((true, true, true, true), await SeenAsync(scheduler, owner));
        Assert.Equal((false, false, false, false), await SeenAsync(scheduler, stranger));

        var spec = Make.Spec(new SmartConstraints { Providers = [Own.Value] });
        Assert.True((await scheduler.TryCreateAsync(owner, scheduler.NewInstanceId(), spec, "chat")).IsOk);
        var refused = await scheduler.TryCreateAsync(stranger, scheduler.NewInstanceId(), spec, "chat");
        Assert.Equal("No provider is named `own`; `open` exists.", Assert.Single(refused.Refusal!.Faults).Description);
    }

    private static async Task<(bool InProviders, bool IsFound, bool InOffers, bool InSearch)> SeenAsync(
        TestScheduler scheduler,
        AccountId? account
    )
    {
        var fleet = scheduler.Grains.Fleet();
        var providers = await fleet.ListProvidersAsync(account);
        var found = await scheduler.Grains.Provider(Own).GetAsync(account);
        var offers = await fleet.ListOffersAsync(new OfferQuery(null, null, null, null, 0, 100, account));
        var hits = await fleet.SearchAsync(Own.Value, account);
        return (
            providers.Any(provider => provider.Id == Own),
            found.IsOk,
            offers.Offers.Any(offer => offer.Provider == Own),
            hits.Any(hit => hit.Kind == SearchKind.Provider)
        );
    }

    private static Task<TestScheduler> DeployAsync(int openOffers = 1) =>
        TestScheduler.DeployAsync(s =>
        {
            s.AddProvider("open").Offers = [.. Enumerable.Repeat(Make.Offer("open", price: 3m), openOffers)];
            var own = s.AddProvider(Own.Value);
            own.Offers = [Make.Offer(Own.Value, price: 1m)];
            own.OnlyFor = FrozenSet.Create(Owner);
        });
}
