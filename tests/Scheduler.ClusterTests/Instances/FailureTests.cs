using System.Globalization;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;
using Scheduler.Grains;
using Scheduler.Grains.Billing;
using Scheduler.Grains.Instances;
using Scheduler.ModelFit;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.ClusterTests.Instances;

/// <summary>
/// Each failure on its real path. Where its hint gives an instruction, following exactly that works (INV-07).
/// </summary>
public sealed class FailureTests
{
    private static readonly int[] Counts = [1, 2, 4, 8];

    [Theory]
    [InlineData(0.0)]
    [InlineData(0.5)]
    [InlineData(1.1)]
    public async Task BILLING_BELOW_MINIMUM_names_the_exact_top_up_that_is_needed(double euros)
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync(euros: (decimal)euros);
        var id = await scheduler.CreateAsync(account);

        var failure = await FailsAsync(scheduler, id, FailureCode.BillingBelowMinimum);

        var missing = new MicroEuro(Number(failure, "top_up_micro_eur"));
        Assert.Contains(missing.ToString(), failure.Hint, StringComparison.Ordinal);
        await scheduler.TopUpAsync(account, missing - new MicroEuro(1), "not quite");
        await FailsAsync(scheduler, id, FailureCode.BillingBelowMinimum);
        await scheduler.TopUpAsync(account, new MicroEuro(1), "the last bit");
        Assert.True((await scheduler.LaunchAsync(id)).IsOk);
        await scheduler.UntilAsync(id, InstanceState.Running);
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task BILLING_BELOW_MINIMUM_names_a_cheaper_affordable_offer()
    {
        await using var scheduler = await TestScheduler.DeployAsync(s =>
            s.AddProvider("cloud").Offers = [
                Make.Offer(price: 3m),
                Make.Offer(region: "eu-north", price: 1.1m, spot: true, tier: CapacityTier.Community),
            ]
        );
        var account = await scheduler.AccountAsync(euros: 1.2m);
        var spec = Make.Spec(new SmartConstraints { SpotAllowed = false });
        var id = await scheduler.CreateAsync(account, spec);
        var failure = await FailsAsync(scheduler, id, FailureCode.BillingBelowMinimum);
        Assert.DoesNotContain("affordable_offer", failure.Details.Keys);

        // The cooling route ranks last, so the more expensive one would be chosen; the hint names the other.
        var cheap = await scheduler.CreateAsync(account);
        scheduler.Cloud.NextAllocate(AllocateAnswer.Reject(RejectionKind.OutOfStock, "sold out"));
        await scheduler.LaunchAsync(cheap);
        await scheduler.SettledAsync(cheap, InstanceState.Failed);
        await Eventually.UntilAsync(
            async () => TestScheduler.Good(await scheduler.Grains.Provider(scheduler.Cloud.Id).GetAsync(null)),
            view => view.CoolingRoutes.Length == 1,
            "the route is in cool-down"
        );
        var told = await FailsAsync(scheduler, cheap, FailureCode.BillingBelowMinimum);

        var price = new MicroEuro(Number(told, "affordable_price_per_hour_micro_eur"));
        var limited = Make.Spec(new SmartConstraints { MaxPricePerHour = price });
        await scheduler.Grains.Instance(cheap).UpdateAsync(new UpdateInstance(limited, null), scheduler.As(account));
        Assert.True((await scheduler.LaunchAsync(cheap)).IsOk);
        await scheduler.SettledAsync(cheap, InstanceState.Running);
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task BILLING_BELOW_MINIMUM_of_a_suspended_account_refers_to_the_operator()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync();
        var id = await scheduler.CreateAsync(account);
        var grain = scheduler.Grains.Account(account);
        await grain.UpdateAsync(new UpdateAccount(null, true, null), scheduler.As(null));

        var failure = await FailsAsync(scheduler, id, FailureCode.BillingBelowMinimum);

        Assert.Contains("suspended", failure.Message, StringComparison.Ordinal);
        await grain.UpdateAsync(new UpdateAccount(null, false, null), scheduler.As(null));
        Assert.True((await scheduler.LaunchAsync(id)).IsOk);
    }

    [Fact]
    public async Task GPU_INCOMPATIBLE_names_a_GPU_and_a_context_that_fit()
    {
        await using var scheduler = await TestScheduler.DeployAsync(s =>
            s.AddProvider("cloud").Offers = [
                .. GpuCatalogue.Shipped.All.SelectMany(gpu =>
                    Counts.Select(count => Make.Offer(gpu: gpu.Name, count: count))
                ),
            ]
        );
        var account = await scheduler.AccountAsync();
        var spec = Make.Spec(new SmartConstraints { GpuType = "RTX4090", GpuCount = 1 }) with
        {
            ContextTokens = 131_072,
            ParallelSequences = 4,
        };
        var id = await scheduler.CreateAsync(account, spec);

        var failure = await FailsAsync(scheduler, id, FailureCode.GpuIncompatible);

        Assert.Contains("RTX4090", failure.Message, StringComparison.Ordinal);
        Assert.True(Number(failure, "needed_bytes_per_gpu") > Number(failure, "usable_bytes_per_gpu"));
        var gpu = failure.Details["smallest_gpu_type"];
        Assert.Contains(gpu, failure.Hint, StringComparison.Ordinal);
        var wider = spec with
        {
            Constraints = new SmartConstraints { GpuType = gpu, GpuCount = (int)Number(failure, "smallest_gpu_count") },
        };
        await LaunchesWithAsync(scheduler, id, wider);

        var context = Number(failure, "largest_context_tokens");
        Assert.Contains(context.ToString(CultureInfo.InvariantCulture), failure.Hint, StringComparison.Ordinal);
        await LaunchesWithAsync(scheduler, id, spec with { ContextTokens = context });
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task GPU_INCOMPATIBLE_is_reported_when_no_offer_within_the_constraints_fits()
    {
        await using var scheduler = await TestScheduler.DeployAsync(s =>
            s.AddProvider("cloud").Offers = [Make.Offer(gpu: "RTX3070"), Make.Offer(gpu: "T4", region: "eu-north")]
        );
        var id = await scheduler.CreateAsync(
            await scheduler.AccountAsync(),
            Make.Spec() with
            {
                Model = "Qwen/Qwen2.5-72B",
            }
        );

        var failure = await FailsAsync(scheduler, id, FailureCode.GpuIncompatible);

        Assert.Contains(failure.Details["smallest_gpu_type"], failure.Hint, StringComparison.Ordinal);
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task SMART_NO_MATCH_names_relaxations_and_the_first_one_works()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync();
        var spec = Make.Spec(new SmartConstraints { MaxPricePerHour = Make.Euros(1m), Regions = ["eu-west"] });
        var id = await scheduler.CreateAsync(account, spec);

        var failure = await FailsAsync(scheduler, id, FailureCode.SmartNoMatch);
        var explained = TestScheduler.Good(await scheduler.Grains.Instance(id).ExplainAsync(account));

        var first = explained.Relaxations[0];
        Assert.Contains(first.Text, failure.Hint, StringComparison.Ordinal);
        Assert.Contains("1.2", first.Text, StringComparison.Ordinal);
        var change = Assert.Single(first.Changes);
        Assert.Equal("max_price", change.Constraint);
        await LaunchesWithAsync(scheduler, id, Make.Spec(spec.Constraints with { MaxPricePerHour = Make.Euros(1.2m) }));
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task After_PROVIDER_TIMEOUT_every_instance_avoids_the_route()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync();
        var id = await scheduler.CreateAsync(account);
        scheduler.Cloud.NextAllocate(AllocateAnswer.Hang);
        await scheduler.LaunchAsync(id);
        await scheduler.UntilAsync(id, InstanceState.Provisioning);

        var failed = await scheduler.SettledAsync(id, InstanceState.Failed, TimeSpan.FromSeconds(1));
        var failure = failed.Failure!.Failure;
        Assert.Equal(FailureCode.ProviderTimeout, failure.Code);
        Assert.Contains("eu-north", failure.Hint, StringComparison.Ordinal);
        Assert.Equal("60", failure.Details["waited_seconds"]);
        Assert.Equal(MicroEuro.Zero, (await scheduler.MoneyAsync(account)).Holds);

        Assert.True((await scheduler.StopAsync(id)).IsOk);
        await scheduler.SettledAsync(id, InstanceState.Stopped);
        Assert.True((await scheduler.LaunchAsync(id)).IsOk);
        var running = await scheduler.UntilAsync(id, InstanceState.Running);
        Assert.Equal("eu-north", running.Intent!.Offer.Region);

        // Another instance without a failure also avoids the route during its cool-down, and uses it again afterwards.
        var other = await scheduler.RunningAsync(account);
        Assert.Equal("eu-north", other.Intent!.Offer.Region);
        await scheduler.PassAsync(TimeSpan.FromMinutes(11), TimeSpan.FromSeconds(20));
        var later = await scheduler.RunningAsync(account);
        Assert.Equal("eu-west", later.Intent!.Offer.Region);
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task PROVIDER_REJECTED_quotes_the_provider_and_the_next_start_uses_another_route()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var id = await scheduler.CreateAsync(await scheduler.AccountAsync());
        scheduler.Cloud.NextAllocate(AllocateAnswer.Reject(RejectionKind.OutOfStock, "no L40S left in eu-west"));
        await scheduler.LaunchAsync(id);

        var failed = await scheduler.SettledAsync(id, InstanceState.Failed);

        Assert.Equal(FailureCode.ProviderRejected, failed.Failure!.Failure.Code);
        Assert.Contains("no L40S left in eu-west", failed.Failure.Failure.Message, StringComparison.Ordinal);
        Assert.True((await scheduler.LaunchAsync(id)).IsOk);
        Assert.Equal("eu-north", (await scheduler.UntilAsync(id, InstanceState.Running)).Intent!.Offer.Region);
        await scheduler.SoundAsync();
    }

    [Theory]
    [InlineData("pull of acme/x:1: no rights: pull access denied for acme/x", "ImageRights")]
    [InlineData("pull of acme/x:1: not found: manifest for acme/x:1 not found", "ImageMissing")]
    [InlineData("pull of acme/x:1: failed: something new", "ImageOther")]
    public async Task A_pull_that_a_provider_reports_gives_IMAGE_PULL_FAILED_with_its_cause(string words, string cause)
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var id = await scheduler.CreateAsync(await scheduler.AccountAsync());
        scheduler.Cloud.NextAllocate(AllocateAnswer.Reject(RejectionKind.Image, words));
        await scheduler.LaunchAsync(id);

        var failed = await scheduler.SettledAsync(id, InstanceState.Failed);

        var failure = failed.Failure!.Failure;
        Assert.Equal(FailureCode.ImagePullFailed, failure.Code);
        Assert.Equal(cause, failure.Details["cause"]);
        Assert.Empty(failed.AvoidedRoutes);
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task A_runtime_that_never_becomes_healthy_gives_RUNTIME_START_TIMEOUT()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var id = await scheduler.CreateAsync(
            await scheduler.AccountAsync(),
            Make.Spec() with
            {
                StartTimeout = TimeSpan.FromSeconds(90),
            }
        );
        scheduler.Cloud.NextAllocate(AllocateAnswer.SucceedBooting);
        await scheduler.LaunchAsync(id);
        await scheduler.UntilAsync(id, InstanceState.Starting);

        var failed = await scheduler.SettledAsync(id, InstanceState.Failed, TimeSpan.FromSeconds(1));

        Assert.Equal(FailureCode.RuntimeStartTimeout, failed.Failure!.Failure.Code);
        Assert.Contains("180s", failed.Failure.Failure.Hint, StringComparison.Ordinal);
        Assert.Empty(scheduler.Cloud.Held);
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task OOM_KILLED_names_a_smaller_context_that_launches()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var running = await scheduler.RunningAsync(await scheduler.AccountAsync());
        await scheduler.PassAsync(TimeSpan.FromSeconds(10));

        scheduler.Cloud.Exit(
            running.Intent!.Key,
            new RuntimeExit { ExitCode = 137, OutputTail = "CUDA out of memory." }
        );
        var failed = await scheduler.SettledAsync(running.Id, InstanceState.Failed);

        var failure = failed.Failure!.Failure;
        Assert.Equal(FailureCode.OomKilled, failure.Code);
        var context = Number(failure, "fitting_context_tokens");
        Assert.InRange(context, 1, running.Spec.ContextTokens - 1);
        Assert.Contains(context.ToString(CultureInfo.InvariantCulture), failure.Hint, StringComparison.Ordinal);
        await LaunchesWithAsync(scheduler, running.Id, running.Spec with { ContextTokens = context });
        await scheduler.SoundAsync();
    }

    [Theory]
    [InlineData(1, "Traceback", FailureCode.RuntimeExited)]
    [InlineData(1, "manifest unknown", FailureCode.ImagePullFailed)]
    [InlineData(1, "error loading model", FailureCode.ModelLoadError)]
    [InlineData(137, "", FailureCode.RuntimeExited)]
    public async Task A_runtime_exit_during_start_maps_to_its_failure_code(
        int exitCode,
        string output,
        FailureCode code
    )
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync();
        var id = await scheduler.CreateAsync(account);
        scheduler.Cloud.NextAllocate(AllocateAnswer.SucceedBooting);
        await scheduler.LaunchAsync(id);
        var starting = await scheduler.UntilAsync(id, InstanceState.Starting);

        scheduler.Cloud.Exit(starting.Intent!.Key, new RuntimeExit { ExitCode = exitCode, OutputTail = output });
        var failed = await scheduler.SettledAsync(id, InstanceState.Failed);

        Assert.Equal(code, failed.Failure!.Failure.Code);
        Assert.Empty(scheduler.Cloud.Held);
        Assert.Equal(MicroEuro.Zero, (await scheduler.MoneyAsync(account)).Holds);
        Assert.Single(await scheduler.LedgerAsync(account));
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task A_running_instance_fails_when_it_is_unhealthy_preempted_or_gone()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync();
        var unhealthy = await scheduler.RunningAsync(account);
        var preempted = await scheduler.RunningAsync(account);
        var exited = await scheduler.RunningAsync(account);

        scheduler.Cloud.BecomeUnhealthy(unhealthy.Intent!.Key);
        scheduler.Cloud.Preempt(preempted.Intent!.Key);
        scheduler.Cloud.Exit(exited.Intent!.Key, new RuntimeExit { ExitCode = 3 });

        (InstanceId, FailureCode)[] expected =
        [
            (unhealthy.Id, FailureCode.RuntimeExited),
            (preempted.Id, FailureCode.Preempted),
            (exited.Id, FailureCode.RuntimeExited),
        ];
        foreach (var (id, code) in expected)
        {
            Assert.Equal(code, (await scheduler.SettledAsync(id, InstanceState.Failed)).Failure!.Failure.Code);
        }

        await scheduler.SoundAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_unhealthy_starting_runtime_becomes_ready_or_fails_at_the_deadline(bool recovers)
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var id = await scheduler.CreateAsync(await scheduler.AccountAsync());
        scheduler.Cloud.NextAllocate(AllocateAnswer.SucceedBooting);
        await scheduler.LaunchAsync(id);
        var starting = await scheduler.UntilAsync(id, InstanceState.Starting);
        scheduler.Cloud.BecomeUnhealthy(starting.Intent!.Key);
        await scheduler.PassAsync(TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(5));

        if (recovers)
        {
            scheduler.Cloud.BecomeReady(starting.Intent!.Key);
            await scheduler.UntilAsync(id, InstanceState.Running, TimeSpan.FromSeconds(1));
        }
        else
        {
            var failed = await scheduler.SettledAsync(id, InstanceState.Failed, TimeSpan.FromSeconds(10));
            Assert.Equal(FailureCode.RuntimeStartTimeout, failed.Failure!.Failure.Code);
        }

        await scheduler.SoundAsync();
    }

    private static async Task<Failure> FailsAsync(TestScheduler scheduler, InstanceId id, FailureCode code)
    {
        var refusal = (await scheduler.LaunchAsync(id)).Refusal;
        Assert.NotNull(refusal);
        Assert.Equal(RefusalKind.Failed, refusal.Kind);
        Assert.Equal(code, refusal.Failure!.Code);
        var record = await scheduler.SeeAsync(id);
        Assert.Equal(InstanceState.Failed, record.State);
        Assert.Equal(refusal.Failure.Hint, record.Failure!.Failure.Hint);
        return refusal.Failure;
    }

    private static async Task LaunchesWithAsync(TestScheduler scheduler, InstanceId id, LaunchSpec spec)
    {
        if ((await scheduler.SeeAsync(id)).State is InstanceState.Running)
        {
            await scheduler.StopAsync(id);
            await scheduler.SettledAsync(id, InstanceState.Stopped);
        }

        TestScheduler.Good(
            await scheduler.Grains.Instance(id).UpdateAsync(new UpdateInstance(spec, null), scheduler.As(null))
        );
        TestScheduler.Good(await scheduler.LaunchAsync(id));
        await scheduler.UntilAsync(id, InstanceState.Running);
    }

    private static long Number(Failure failure, string name) =>
        long.Parse(failure.Details[name], CultureInfo.InvariantCulture);
}
