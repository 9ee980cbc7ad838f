using System.Text.Json.Nodes;
using Microsoft.Extensions.Time.Testing;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Providers;
using Scheduler.Providers.Lambda;
using Scheduler.VendorServers.Lambda;
using Xunit;

namespace Scheduler.ProviderTests.Lambda;

/// <summary>What is sent to Lambda, and how its quirks end.</summary>
public sealed class LambdaProviderTests : IDisposable
{
    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 11, 30, 12, 0, 0, TimeSpan.Zero));
    private readonly LambdaWorld _world;

    public LambdaProviderTests()
    {
        _world = new LambdaWorld(_clock);
        Provider = _world.Open();
    }

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private LambdaProvider Provider { get; }

    private LambdaQuirks Quirks => _world.Cloud.Quirks;

    public void Dispose() => _world.Dispose();

    [Fact]
    public async Task The_requests_of_a_life_are_pinned()
    {
        _world.Options.FirewallRulesets["us-east-1"] = "rules-1";
        _world.Options.ImageFamily = "lambda-stack-24-04";
        var request = LambdaWorld.Request("i-one-r1-a1");
        await EndOf(Provider.AllocateAsync(request, Ct));
        await EndOf(Provider.ReleaseAsync(request.Key, Ct));

        var id = "0920582c7ff041399e34823a0be60001";
        Assert.Equal(
            [
                "GET /api/v1/instances",
                """POST /api/v1/instance-operations/launch {"region_name":"us-east-1","instance_type_name":"gpu_1x_a10","ssh_key_names":["standin"],"name":"gs1.cluster-a.i-one-r1-a1","user_data":"…","tags":[{"key":"gpu-scheduler-instance","value":"i-one"}],"image":{"family":"lambda-stack-24-04"},"firewall_rulesets":[{"id":"rules-1"}]}""",
                "GET /api/v1/instances",
                $"GET /api/v1/instances/{id}",
                $$"""POST /api/v1/instance-operations/terminate {"instance_ids":["{{id}}"]}""",
                "GET /api/v1/instances",
            ],
            _world.Vendor.Calls.Select(WithoutScript)
        );
    }

    [Fact]
    public async Task The_boot_script_starts_the_container_and_quotes_everything()
    {
        var request = LambdaWorld.Request("i-one-r1-a1", "it's $HOME `x`");
        request = request with { Environment = request.Environment.SetItem("HF_TOKEN", "a$b'c") };
        await EndOf(Provider.AllocateAsync(request, Ct));

        var launch = _world.Vendor.Calls.Single(call => call.Contains("/launch"));
        var script = (string)JsonNode.Parse(launch[launch.IndexOf('{')..])!["user_data"]!;
        var files = _world.Cloud.Machines[0].Files;
        Assert.StartsWith("#!/bin/bash\n", script);
        Assert.DoesNotContain("rk-secret", script);
        Assert.Contains("HF_TOKEN=a$b'c\n", files["/etc/gpu-scheduler/runtime.env"]);
        Assert.Contains("VLLM_API_KEY=rk-secret\n", files["/etc/gpu-scheduler/runtime.env"]);
        Assert.Contains("--served-model-name 'it'\\''s $HOME `x`' ", files["/etc/gpu-scheduler/run.sh"]);
        Assert.StartsWith("exec docker run --rm --name gpu-runtime --gpus all ", files["/etc/gpu-scheduler/run.sh"]);
        Assert.Equal(await ShellSaysAsync(script), files.Keys.Order());
    }

    [Fact]
    public async Task A_variable_with_a_line_break_is_refused()
    {
        var request = LambdaWorld.Request("i-one-r1-a1");
        request = request with { Environment = request.Environment.SetItem("KEY", "a\nPATH=/") };

        var outcome = await EndOf(Provider.AllocateAsync(request, Ct));

        Assert.Equal(RejectionKind.InvalidRequest, outcome.Rejection?.Kind);
        Assert.Equal(0, _world.Cloud.Made);
    }

    [Fact]
    public async Task Offers_have_true_prices_and_the_regions_with_capacity()
    {
        var listing = await EndOf(Provider.ListOffersAsync(Ct));

        Assert.Equal(
            [
                "us-east-1/gpu_1x_a10",
                "us-south-1/gpu_8x_h100_sxm5",
                "us-west-1/gpu_1x_a10",
                "us-west-3/gpu_1x_h100_pcie",
            ],
            listing.Offers.Select(offer => offer.OfferId).Order()
        );
        var eight = listing.Offers.Single(offer => offer.GpuCount == 8);
        Assert.Equal("H100-80GB-SXM", eight.GpuType);
        Assert.Equal(MicroEuro.CeilingFromEuros(23.92m * 0.92m), eight.PricePerHour);
        Assert.Equal(new QuotedPrice("USD", 23_920_000), eight.Quoted);
        Assert.Equal(new Dictionary<string, int> { ["arm64"] = 1 }, listing.Skipped);
    }

    [Fact]
    public async Task A_list_of_types_that_lies_loses_the_lies_only()
    {
        Quirks.TypesLie = true;

        var listing = await EndOf(Provider.ListOffersAsync(Ct));

        Assert.Equal(4, listing.Offers.Length);
        Assert.Equal(
            new Dictionary<string, int>
            {
                ["arm64"] = 1,
                ["duplicate_id"] = 2,
                ["gpu_count"] = 1,
                ["price"] = 2,
                ["unreadable"] = 1,
            },
            listing.Skipped
        );
    }

    [Theory]
    [InlineData(nameof(LambdaQuirks.ListedButNoCapacity), RejectionKind.OutOfStock, "Not enough capacity")]
    [InlineData(nameof(LambdaQuirks.RegionGone), RejectionKind.OutOfStock, "Region us-east-1 does not exist.")]
    [InlineData(
        nameof(LambdaQuirks.QuotaExceeded),
        RejectionKind.Quota,
        "Quota exceeded. Contact support to raise it."
    )]
    [InlineData(nameof(LambdaQuirks.AccountInactive), RejectionKind.Credentials, "Your account is inactive.")]
    [InlineData(nameof(LambdaQuirks.LaunchFails), RejectionKind.ProviderError, "An unknown error occurred.")]
    public async Task A_refusal_keeps_the_vendors_words(string quirk, RejectionKind kind, string words)
    {
        typeof(LambdaQuirks).GetProperty(quirk)!.SetValue(Quirks, true);

        var outcome = await EndOf(Provider.AllocateAsync(LambdaWorld.Request("i-one-r1-a1"), Ct));

        Assert.Equal(kind, outcome.Rejection?.Kind);
        Assert.Contains(words, outcome.Rejection!.ProviderWords, StringComparison.Ordinal);
        Assert.Empty(_world.Cloud.Machines);
    }

    [Theory]
    [InlineData(nameof(LambdaQuirks.ErrorThatMadeAMachine))]
    [InlineData(nameof(LambdaQuirks.LaunchHangs))]
    public async Task A_machine_that_was_made_without_an_answer_is_found_in_a_list_that_lags(string quirk)
    {
        typeof(LambdaQuirks).GetProperty(quirk)!.SetValue(Quirks, true);
        Quirks.ListLagSeconds = 20;

        var outcome = await EndOf(Provider.AllocateAsync(LambdaWorld.Request("i-one-r1-a1"), Ct));

        Assert.True(outcome.IsAllocated, outcome.Rejection?.ProviderWords);
        Assert.Equal(1, _world.Cloud.Made);
        Assert.NotEqual(DateTimeOffset.UnixEpoch, outcome.Allocation.CreatedAt);
    }

    [Fact]
    public async Task Launches_keep_the_distance_that_Lambda_asks_for()
    {
        await EndOf(
            Task.WhenAll(
                Enumerable.Range(0, 4).Select(i => Provider.AllocateAsync(LambdaWorld.Request($"i-{i}-r1-a1"), Ct))
            )
        );

        Assert.Equal(4, _world.Cloud.Machines.Count);
        Assert.Equal(0, _world.Cloud.TooEarly);
        Assert.True(_clock.GetUtcNow() - _clock.Start >= TimeSpan.FromSeconds(36));
    }

    [Fact]
    public async Task A_termination_that_takes_long_is_asked_for_once()
    {
        Quirks.TerminateSeconds = 90;
        var request = LambdaWorld.Request("i-one-r1-a1");
        await EndOf(Provider.AllocateAsync(request, Ct));

        Assert.Equal(ReleaseOutcome.Pending, await EndOf(Provider.ReleaseAsync(request.Key, Ct)));
        Assert.Equal(ReleaseOutcome.Pending, await EndOf(Provider.ReleaseAsync(request.Key, Ct)));
        _clock.Advance(TimeSpan.FromSeconds(91));

        Assert.Equal(ReleaseOutcome.Released, await EndOf(Provider.ReleaseAsync(request.Key, Ct)));
        Assert.Single(_world.Vendor.Calls, call => call.Contains("/terminate"));
    }

    [Fact]
    public async Task A_machine_that_was_taken_back_is_preempted()
    {
        var request = LambdaWorld.Request("i-one-r1-a1");
        await EndOf(Provider.AllocateAsync(request, Ct));
        Quirks.Preempts = true;
        _clock.Advance(TimeSpan.FromSeconds(5));

        Assert.Equal(AllocationStatus.Preempted, (await EndOf(Provider.FindAsync(request.Key, Ct)))?.Status);
    }

    [Fact]
    public async Task A_ban_is_no_answer_that_confirms_anything()
    {
        var request = LambdaWorld.Request("i-one-r1-a1");
        await EndOf(Provider.AllocateAsync(request, Ct));
        Quirks.Banned = true;
        _clock.Advance(TimeSpan.FromSeconds(5));

        var fault = await Record.ExceptionAsync(() => EndOf(Provider.ReleaseAsync(request.Key, Ct)));

        Assert.Contains("has banned you temporarily", fault?.Message, StringComparison.Ordinal);
        Assert.Single(_world.Cloud.Machines);
    }

    private async Task<T> EndOf<T>(Task<T> task)
    {
        for (var i = 0; !task.IsCompleted; i++)
        {
            Assert.True(i < 3000, "It never ended.");
            await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, Ct);
            _clock.Advance(TimeSpan.FromMilliseconds(i < 50 ? 100 : 500));
        }

        return await task;
    }

    /// <summary>Runs the parts of the script that write files, in a folder of the test, and returns the files.</summary>
    private static async Task<IEnumerable<string>> ShellSaysAsync(string script)
    {
        var folder = Directory.CreateTempSubdirectory("lambda-boot-");
        try
        {
            var writes = script
                .Split('\n')
                .Where(line => line.StartsWith("(umask"))
                .Select(line => line.Replace("/etc/gpu-scheduler", folder.FullName));
            using var shell = System.Diagnostics.Process.Start(
                new System.Diagnostics.ProcessStartInfo("/bin/bash", ["-euc", string.Join('\n', writes)])
            )!;
            await shell.WaitForExitAsync(Ct);
            Assert.Equal(0, shell.ExitCode);
            return [.. folder.GetFiles().Select(file => "/etc/gpu-scheduler/" + file.Name).Order()];
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static string WithoutScript(string call) =>
        System.Text.RegularExpressions.Regex.Replace(
            call,
            "\"user_data\":\"(\\\\.|[^\"\\\\])*\"",
            "\"user_data\":\"…\""
        );
}
