using System.Collections.Immutable;
using System.Text.Json;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;
using Scheduler.Domain.Secrets;
using Scheduler.Grains;
using Scheduler.Grains.Instances;
using Scheduler.Grains.Secrets;
using Scheduler.Storage.Secrets;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.ClusterTests.Secrets;

/// <summary>Runtime keys and secrets from the launch to the provider; no record contains them.</summary>
public sealed class SecretLaunchTests
{
    private const string Planted = "planted-hub-token";

    private static readonly SecretText Value = new(Planted);

    [Fact]
    public async Task Every_runtime_has_a_key_that_only_the_provider_and_the_gateway_get()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync();

        var running = await scheduler.RunningAsync(account);
        var other = await scheduler.RunningAsync(account);

        var key = scheduler.Cloud.Requests[^2].RuntimeKey!.Value.Value;
        Assert.Equal(43, key.Length);
        Assert.NotEqual(key, scheduler.Cloud.Requests[^1].RuntimeKey!.Value.Value);
        Assert.DoesNotContain(key, running.ToString(), StringComparison.Ordinal);
        Assert.Equal(key, (await KeyAsync(scheduler, account, running)).Value?.Value);
        Assert.NotEqual(key, (await KeyAsync(scheduler, account, other)).Value?.Value);
        Assert.Equal(RefusalKind.NotFound, (await KeyAsync(scheduler, new AccountId("acct-b"), running)).Refusal?.Kind);
        Assert.DoesNotContain(key, await StoreTextAsync(scheduler), StringComparison.Ordinal);
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task A_repeated_call_after_a_crash_has_the_same_key_and_environment()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync();
        await CreateSecretAsync(scheduler, account, "hf");
        var id = await scheduler.CreateAsync(account, SpecWith(new EnvironmentValue { Secret = "hf" }));
        scheduler.Cloud.NextAllocate(AllocateAnswer.Hang);
        await scheduler.LaunchAsync(id);
        await Eventually.TrueAsync(() => scheduler.Cloud.Requests.Length == 1, "the provider is asked");

        await scheduler.CrashAndRestartAsync();
        await scheduler.UntilAsync(id, InstanceState.Running, TimeSpan.FromMilliseconds(500));

        var (first, last) = (scheduler.Cloud.Requests[0], scheduler.Cloud.Requests[^1]);
        Assert.NotSame(first, last);
        Assert.Equal((first.Key, first.RuntimeKey), (last.Key, last.RuntimeKey));
        Assert.Equal(Planted, first.Environment["HF_TOKEN"]);
        Assert.Equal(Planted, last.Environment["HF_TOKEN"]);
        var labels = JsonSerializer.Serialize(
            new
            {
                last.Tag,
                last.Offer,
                last.Runtime,
                text = $"{last}",
            }
        );
        var said = JsonSerializer.Serialize(await scheduler.TimelineAsync(id));
        Assert.All(
            [Planted, last.RuntimeKey!.Value.Value],
            secret =>
            {
                Assert.DoesNotContain(secret, labels + said, StringComparison.Ordinal);
                Assert.DoesNotContain(scheduler.Log.Lines, line => line.Contains(secret, StringComparison.Ordinal));
            }
        );
        Assert.DoesNotContain(Planted, await StoreTextAsync(scheduler), StringComparison.Ordinal);
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task Words_of_a_provider_and_output_of_a_runtime_are_kept_without_secrets_INV_13()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync();
        await CreateSecretAsync(scheduler, account, "hf");
        var spec = SpecWith(new EnvironmentValue { Secret = "hf" });
        var refused = await scheduler.CreateAsync(account, spec);
        scheduler.Cloud.NextAllocate(
            AllocateAnswer.Reject(RejectionKind.InvalidRequest, $"cannot use {{HF_TOKEN: {Planted}}}")
        );
        await scheduler.LaunchAsync(refused);
        var rejected = await scheduler.UntilAsync(refused, InstanceState.Failed);
        var running = await scheduler.RunningAsync(account, spec);
        var key = scheduler.Cloud.Requests[^1].RuntimeKey!.Value.Value;
        scheduler.Cloud.Output = $"token {Planted}, key {key}";
        var output = await scheduler.Grains.Instance(running.Id).ReadOutputAsync(account);

        scheduler.Cloud.Exit(
            running.Intent!.Key,
            new RuntimeExit { ExitCode = 1, OutputTail = $"ValueError: bad token {Planted} for {key}" }
        );
        var failed = await scheduler.UntilAsync(running.Id, InstanceState.Failed);

        Assert.Contains("cannot use {HF_TOKEN: ***}", rejected.Failure!.Failure.Message);
        Assert.Equal("token ***, key ***", output.Value);
        Assert.Contains("bad token *** for ***", failed.Failure!.Failure.Details["output_tail"]);
        Assert.DoesNotContain(Planted, await StoreTextAsync(scheduler), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_start_takes_the_present_value_and_is_refused_without_the_secret()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync();
        await CreateSecretAsync(scheduler, account, "hf");
        var id = await scheduler.CreateAsync(account, SpecWith(new EnvironmentValue { Secret = "hf" }));
        var secrets = scheduler.Grains.Secrets(account);
        await secrets.RotateAsync("hf", new SecretText("second"), 1, scheduler.As(account));
        await scheduler.LaunchAsync(id);
        await scheduler.UntilAsync(id, InstanceState.Running);
        await secrets.DeleteAsync("hf", scheduler.As(account));
        await scheduler.StopAsync(id);
        await scheduler.SettledAsync(id, InstanceState.Stopped);

        var refused = await scheduler.Grains.Instance(id).StartAsync(scheduler.As(account));

        Assert.Equal("second", scheduler.Cloud.Requests[^1].Environment["HF_TOKEN"]);
        var fault = Assert.Single(refused.Refusal!.Faults);
        Assert.Equal("spec.env[HF_TOKEN].secret", fault.Field);
        Assert.Contains("`hf`", fault.Description);
    }

    [Fact]
    public async Task A_spec_with_a_reserved_name_an_unknown_secret_or_a_foreign_image_is_refused()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync();
        var spec = SpecWith(new EnvironmentValue { Secret = "nowhere" }) with { Image = "ghcr.io/acme/vllm:1" };
        spec = spec with
        {
            Environment = spec.Variables.Add("LD_PRELOAD", new EnvironmentValue { Value = "/tmp/x.so" }),
        };

        var refused = await scheduler
            .Grains.Instance(scheduler.NewInstanceId())
            .CreateAsync(
                new CreateInstance(account, "chat", spec, ImmutableSortedDictionary<string, string>.Empty),
                scheduler.As(account)
            );

        Assert.Equal(
            ["spec.env[LD_PRELOAD]", "spec.image", "spec.env[HF_TOKEN].secret"],
            refused.Refusal!.Faults.Select(fault => fault.Field)
        );
        Assert.Contains("Runtimes:AllowedImages", refused.Refusal.Faults[1].Description);
    }

    [Fact]
    public async Task An_image_that_the_policy_permits_reaches_the_provider()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        scheduler.Runtimes.AllowedImages.Add("ghcr.io/acme/");
        var account = await scheduler.AccountAsync();
        var id = await scheduler.CreateAsync(account, Make.Spec() with { Image = "ghcr.io/acme/vllm:1" });

        await scheduler.LaunchAsync(id);
        await scheduler.UntilAsync(id, InstanceState.Running);

        Assert.Equal("ghcr.io/acme/vllm:1", scheduler.Cloud.Started!.Image);
    }

    [Fact]
    public async Task Without_a_master_key_nothing_starts_where_others_can_reach_it()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        scheduler.Vault = new UnsetVault();
        await scheduler.CrashAndRestartAsync();
        var account = await scheduler.AccountAsync();
        var id = await scheduler.CreateAsync(account);

        await scheduler.LaunchAsync(id);
        var failed = await scheduler.UntilAsync(id, InstanceState.Failed);
        var refused = await scheduler.Grains.Secrets(account).CreateAsync("hf", Value, scheduler.As(account));

        Assert.Equal(FailureCode.ProviderRejected, failed.Failure!.Failure.Code);
        Assert.Contains("Secrets:MasterKeyFile", failed.Failure.Failure.Message);
        Assert.Empty(scheduler.Cloud.Requests);
        Assert.Equal(RefusalKind.WrongState, refused.Refusal!.Kind);
        Assert.Contains("Secrets:MasterKeyFile", refused.Refusal.Message);
    }

    [Fact]
    public async Task After_a_change_of_the_master_key_everything_is_under_the_new_one()
    {
        var (old, next) = (MasterKeys.NewLine("old"), MasterKeys.NewLine("new"));
        await using var scheduler = await TestScheduler.DeployAsync();
        scheduler.Vault = new EnvelopeVault(MasterKeys.Parse(old)!);
        await scheduler.CrashAndRestartAsync();
        var account = await scheduler.AccountAsync();
        await CreateSecretAsync(scheduler, account, "hf");
        var running = await scheduler.RunningAsync(account);
        var key = await KeyAsync(scheduler, account, running);

        scheduler.Vault = new EnvelopeVault(MasterKeys.Parse($"{next}\n{old}")!);
        await scheduler.CrashAndRestartAsync();
        Assert.Equal([account], await scheduler.Grains.Fleet().ListSecretAccountsAsync("", 10));
        Assert.Equal(1, await scheduler.Grains.Secrets(account).RewrapAsync());
        Assert.Equal(0, await scheduler.Grains.Secrets(account).RewrapAsync());
        Assert.True(await scheduler.Grains.Instance(running.Id).RewrapKeyAsync());
        scheduler.Vault = new EnvelopeVault(MasterKeys.Parse(next)!);
        await scheduler.CrashAndRestartAsync();

        Assert.Equal(key.Value, (await KeyAsync(scheduler, account, running)).Value);
        Assert.Equal("new", (await scheduler.Grains.Secrets(account).GetAsync("hf", account)).Value!.MasterKey);
        Assert.True(
            (await scheduler.Grains.Secrets(account).CreateAsync("hf", Value, scheduler.As(account))).IsOk,
            "the stored value opens"
        );
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task A_master_key_that_is_missing_is_named()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync();
        await CreateSecretAsync(scheduler, account, "hf");
        scheduler.Vault = new EnvelopeVault(MasterKeys.Parse(MasterKeys.NewLine("other"))!);
        await scheduler.CrashAndRestartAsync();

        var fault = await Assert.ThrowsAsync<SecretUnreadableException>(() =>
            scheduler.Grains.Secrets(account).RewrapAsync()
        );

        Assert.Contains("'test', which is not configured", fault.Message);
    }

    [Fact]
    public async Task Secrets_are_listed_guarded_and_limited()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        scheduler.Options.Quotas.Secrets = 2;
        var account = await scheduler.AccountAsync();
        var secrets = scheduler.Grains.Secrets(account);
        await CreateSecretAsync(scheduler, account, "b");
        await CreateSecretAsync(scheduler, account, "a");

        Assert.Equal(["a", "b"], (await secrets.ListAsync("", 10)).Select(secret => secret.Name));
        Assert.Equal(["b"], (await secrets.ListAsync("a", 10)).Select(secret => secret.Name));
        Assert.True((await secrets.CreateAsync("a", Value, scheduler.As(account))).IsOk);
        Assert.Equal(
            RefusalKind.AlreadyExists,
            (await secrets.CreateAsync("a", new SecretText("x"), scheduler.As(account))).Refusal!.Kind
        );
        Assert.Equal(
            FailureCode.QuotaExceeded,
            (await secrets.CreateAsync("c", Value, scheduler.As(account))).Refusal!.Failure!.Code
        );
        Assert.Equal(
            RefusalKind.WrongState,
            (await secrets.RotateAsync("a", Value, 7, scheduler.As(account))).Refusal!.Kind
        );
        Assert.Equal(2, (await secrets.RotateAsync("a", Value, 1, scheduler.As(account))).Value!.Version);
        Assert.Equal(RefusalKind.NotFound, (await secrets.GetAsync("a", new AccountId("acct-other"))).Refusal!.Kind);
    }

    private static LaunchSpec SpecWith(EnvironmentValue token) =>
        Make.Spec() with
        {
            Environment = ImmutableSortedDictionary<string, EnvironmentValue>
                .Empty.Add("HF_TOKEN", token)
                .Add("GREETING", new EnvironmentValue { Value = "hello" }),
        };

    private static async Task CreateSecretAsync(TestScheduler scheduler, AccountId account, string name) =>
        Assert.True((await scheduler.Grains.Secrets(account).CreateAsync(name, Value, scheduler.As(account))).IsOk);

    private static Task<Answer<SecretText>> KeyAsync(
        TestScheduler scheduler,
        AccountId account,
        InstanceRecord record
    ) => scheduler.Grains.Instance(record.Id).ReadRuntimeKeyAsync(account, record.Intent!.Key);

    /// <summary>The raw bytes of the database and its log.</summary>
    private static async Task<string> StoreTextAsync(TestScheduler scheduler)
    {
        var text = new System.Text.StringBuilder();
        foreach (
            var file in Directory.GetFiles(scheduler.Folder, "scheduler.db*").Where(file => !file.EndsWith(".lock"))
        )
        {
            await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using var reader = new StreamReader(stream, System.Text.Encoding.Latin1);
            text.Append(await reader.ReadToEndAsync(TestContext.Current.CancellationToken));
        }

        return text.ToString();
    }
}
