using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Providers;
using Scheduler.Grains;
using Scheduler.Grains.Providers;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.ClusterTests.Providers;

public sealed class ProviderGrainTests
{
    [Fact]
    public async Task A_draining_provider_keeps_only_its_allocations_also_after_a_crash()
    {
        await using var scheduler = await TestScheduler.DeployAsync(s =>
        {
            s.AddProvider("cheap");
            s.AddProvider("dear").Offers = [Make.Offer("dear", price: 3m)];
        });
        var account = await scheduler.AccountAsync();
        var before = await scheduler.RunningAsync(account);
        Assert.Equal("cheap", before.Intent!.Offer.Provider.Value);

        var grain = scheduler.Grains.Provider(new ProviderId("cheap"));
        var drained = TestScheduler.Good(await grain.DrainAsync("moves on Friday", scheduler.As(null)));
        Assert.True(drained.Draining);
        Assert.Equal("moves on Friday", drained.Drain!.Reason);
        Assert.Equal(scheduler.Clock.GetUtcNow(), drained.Drain.At);
        var again = TestScheduler.Good(await grain.DrainAsync("another reason", scheduler.As(null)));
        Assert.Equal(drained.Drain, again.Drain);
        Assert.Equal("dear", (await scheduler.RunningAsync(account)).Intent!.Offer.Provider.Value);
        Assert.Equal(InstanceState.Running, (await scheduler.SeeAsync(before.Id)).State);

        await scheduler.CrashAndRestartAsync();
        Assert.Equal("dear", (await scheduler.RunningAsync(account)).Intent!.Offer.Provider.Value);
        grain = scheduler.Grains.Provider(new ProviderId("cheap"));
        Assert.Equal(drained.Drain, TestScheduler.Good(await grain.GetAsync(null)).Drain);
        Assert.Null(TestScheduler.Good(await grain.UndrainAsync(scheduler.As(null))).Drain);
        Assert.Equal("cheap", (await scheduler.RunningAsync(account)).Intent!.Offer.Provider.Value);
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task Consecutive_failures_open_the_breaker_and_one_later_attempt_closes_it()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync();
        scheduler.Cloud.Otherwise = AllocateAnswer.Reject(RejectionKind.ProviderError, "internal error");
        for (var i = 0; i < scheduler.Options.Providers.BreakerFailures; i++)
        {
            var id = await scheduler.CreateAsync(account);
            Assert.True((await scheduler.LaunchAsync(id)).IsOk);
            await scheduler.SettledAsync(id, InstanceState.Failed);
        }

        await BreakerAsync(scheduler, BreakerState.Open);
        var refused = await scheduler.CreateAsync(account);
        Assert.Equal(FailureCode.SmartNoMatch, (await scheduler.LaunchAsync(refused)).Refusal!.Failure!.Code);

        scheduler.Cloud.Otherwise = AllocateAnswer.Succeed;
        await scheduler.PassAsync(scheduler.Options.Providers.BreakerOpenFor + TimeSpan.FromSeconds(2));
        await BreakerAsync(scheduler, BreakerState.HalfOpen);
        Assert.True((await scheduler.LaunchAsync(refused)).IsOk);
        await scheduler.UntilAsync(refused, InstanceState.Running);
        await BreakerAsync(scheduler, BreakerState.Closed);
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task A_failed_listing_keeps_the_previous_offers_and_is_reported()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        scheduler.Cloud.ListingFails = true;
        var grain = scheduler.Grains.Provider(scheduler.Cloud.Id);

        var view = TestScheduler.Good(await grain.RefreshAsync());

        Assert.Contains("The price list is unavailable", view.ListingError, StringComparison.Ordinal);
        await scheduler.RunningAsync(await scheduler.AccountAsync());
    }

    [Fact]
    public async Task Every_silo_places_on_the_same_offers()
    {
        await using var scheduler = await TestScheduler.DeployAsync(_ => { }, silos: 2);
        var account = await scheduler.AccountAsync();
        await scheduler.PassAsync(TimeSpan.FromSeconds(3), TimeSpan.FromMilliseconds(100));

        foreach (var silo in scheduler.Cluster.Silos)
        {
            var catalogue = (OfferCatalogue)
                scheduler.Cluster.GetSiloServiceProvider(silo.SiloAddress).GetService(typeof(OfferCatalogue))!;
            await Eventually.TrueAsync(
                () => catalogue.For(null).Page.Snapshot.Count == 2,
                $"{silo.Name} knows the offers",
                scheduler.Clock,
                TimeSpan.FromMilliseconds(100)
            );
        }

        await scheduler.Grains.Provider(scheduler.Cloud.Id).DrainAsync("", scheduler.As(null));
        foreach (var silo in scheduler.Cluster.Silos)
        {
            var catalogue = (OfferCatalogue)
                scheduler.Cluster.GetSiloServiceProvider(silo.SiloAddress).GetService(typeof(OfferCatalogue))!;
            await Eventually.TrueAsync(
                () => catalogue.For(null).Page.State.Draining.Length == 1,
                $"{silo.Name} knows the drain",
                scheduler.Clock,
                TimeSpan.FromMilliseconds(100)
            );
        }

        Assert.Equal(
            100m,
            (await scheduler.MoneyAsync(account)).Balance.Value / (decimal)Domain.Billing.MicroEuro.PerEuro
        );
    }

    private static async Task BreakerAsync(TestScheduler scheduler, BreakerState state) =>
        await Eventually.UntilAsync(
            async () => TestScheduler.Good(await scheduler.Grains.Provider(scheduler.Cloud.Id).GetAsync(null)),
            view => view.Breaker == state,
            $"the breaker is {state}"
        );
}
