using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.RegularExpressions;
using Scheduler.Api.V1;
using Scheduler.TestKit;
using Scheduler.Tests;
using Xunit;

namespace Scheduler.SystemTests;

/// <summary>The first command of the README works as described, also when it is stopped and repeated.</summary>
[StartsFirst]
public sealed partial class DemoTests
{
    private const string LastLine =
        "Stop with Ctrl-C; the same command continues with the stored state, with --fresh it starts over.";

    private const string Rich = "accounts/acct-demo";
    private const string Poor = "accounts/acct-demo-poor";

    private static readonly string[] Codes =
    [
        "PROVIDER_TIMEOUT",
        "OOM_KILLED",
        "GPU_INCOMPATIBLE",
        "SMART_NO_MATCH",
        "BILLING_BELOW_MINIMUM",
    ];

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>
    /// One start, two that continue, each after changes of everything, and one that starts over until Ctrl-C ends it.
    /// </summary>
    [Fact]
    public async Task The_demo_continues_with_whatever_it_finds_starts_over_and_stops_at_once()
    {
        var folder = Directory.CreateTempSubdirectory("scheduler-").FullName;
        await using var demo = new SchedulerProcess(folder) { Command = "demo", KeepsFolder = true };
        var told = await PlayAsync(demo);
        AssertToldAll(told);
        var key = KeyIn(told);
        var launched = await InstancesAsync(demo);
        Assert.Equal(7, launched.Count);
        await ChangeEverythingAsync(demo, launched);
        Assert.Equal(0, await demo.StopAsync(Ct));

        var before = await PlayAndListAsync(demo, launched);
        Assert.NotEqual(key, KeyIn(before.Told));
        await DeleteEverythingAsync(demo);
        Assert.Equal(0, await demo.StopAsync(Ct));

        var after = await PlayAndListAsync(demo, []);
        Assert.Equal(KeyIn(before.Told), KeyIn(after.Told));
        Assert.Contains(after.Told, line => line.Contains("it is Deleted now"));
        Assert.Equal(0, await demo.StopAsync(Ct));

        await using var fresh = new SchedulerProcess(folder, "--fresh") { Command = "demo" };
        await fresh.StartAsync(Ct);
        Assert.Contains(fresh.Lines, line => line.StartsWith("The data so far is in ", StringComparison.Ordinal));
        await StopsPromptlyAsync(fresh);
    }

    /// <summary>
    /// Ctrl-C while stories wait for providers, a page of the dashboard is open, and the gateway watches an instance.
    /// </summary>
    private static async Task StopsPromptlyAsync(SchedulerProcess demo)
    {
        using var page = new HttpClient { BaseAddress = demo.Http };
        using var live = await LiveStreamAsync(page, demo);
        await Eventually.UntilAsync(
            () => InstancesAsync(demo),
            all =>
                all.Any(one => one.State == InstanceState.Provisioning)
                && all.Any(one => one is { ServingName: "chat", State: InstanceState.Running }),
            "a launch waits for its provider, and another runs"
        );
        await AskAsync(page, demo);
        var (lines, began) = (demo.Lines.Count, TimeProvider.System.GetTimestamp());

        var code = await demo.InterruptAsync(Ct);

        var most = TimeSpan.FromSeconds(3) * Math.Clamp(await WaitingPerCpuAsync(), 1, 3);
        Assert.InRange(TimeProvider.System.GetElapsedTime(began), TimeSpan.Zero, most);
        Assert.Equal(0, code);
        var noise = demo
            .Lines.Skip(lines)
            .Where(line => line.Contains("\"@x\":") || line.Contains("\"@l\":\"Error\""))
            .ToList();
        Assert.True(noise.Count == 0, string.Join('\n', noise));
    }

    /// <summary>
    /// Tasks that want each CPU, on average over a minute. A stop needs half a second of CPU time; on a loaded machine it
    /// gets that time later. Calls that Orleans retries make it last 16 s on any machine.
    /// </summary>
    private static async Task<double> WaitingPerCpuAsync()
    {
        var load = (await File.ReadAllTextAsync("/proc/loadavg", Ct)).Split(' ')[0];
        return double.Parse(load, CultureInfo.InvariantCulture) / Environment.ProcessorCount;
    }

    private static async Task AskAsync(HttpClient client, SchedulerProcess demo)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions")
        {
            Content = JsonContent.Create(
                new { model = "chat", messages = new[] { new { role = "user", content = "Hello" } } }
            ),
        };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", demo.Token);
        request.Headers.Add("OpenAI-Organization", "acct-demo");
        using var answer = await client.SendAsync(request, Ct);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    /// <summary>The event stream of an open page.</summary>
    private static async Task<HttpResponseMessage> LiveStreamAsync(HttpClient client, SchedulerProcess demo)
    {
        var form = await client.GetStringAsync("/dashboard/sign-in", Ct);
        var fields = new Dictionary<string, string>
        {
            ["__RequestVerificationToken"] = FormToken().Match(form).Groups[1].Value,
            ["key"] = demo.Token,
            ["return"] = "/dashboard",
        };
        using var signedIn = await client.PostAsync("/dashboard/session", new FormUrlEncodedContent(fields), Ct);
        Assert.Equal(HttpStatusCode.OK, signedIn.StatusCode);
        var live = await client.GetAsync("/dashboard/live", HttpCompletionOption.ResponseHeadersRead, Ct);
        Assert.Equal("text/event-stream", live.Content.Headers.ContentType?.MediaType);
        return live;
    }

    private static void AssertToldAll(List<string> told)
    {
        Assert.All(Codes, code => Assert.Contains(told, line => line.TrimStart().StartsWith(code + ": ")));
        Assert.Equal(Codes.Length, told.Count(line => line.TrimStart().StartsWith("hint: ")));
        Assert.Equal(Codes.Length, told.Count(line => line.TrimStart().StartsWith("request id: req-")));
        Assert.Equal(7, told.Count(line => line.StartsWith("── ")));
        Assert.Contains(told, line => line.StartsWith("5 of the seven launches failed on purpose: "));
        Assert.Contains(told, line => line.StartsWith("Open http://127.0.0.1:"));
        // The demo ends its watches itself; that is no refusal.
        Assert.DoesNotContain(told, line => line.Contains("CANCELLED"));
    }

    /// <summary>Another start: it launches nothing, and each instance is as it was before.</summary>
    private static async Task<(List<string> Told, IReadOnlyList<Instance> Now)> PlayAndListAsync(
        SchedulerProcess demo,
        IReadOnlyList<Instance> launched
    )
    {
        var told = await PlayAsync(demo);
        Assert.Equal(7, told.Count(line => line.StartsWith("── ")));
        Assert.Equal(7, told.Count(line => line.Contains(" was launched before; it is ")));
        var now = await InstancesAsync(demo);
        // One was deleted by hand.
        Assert.Equal(Math.Max(0, launched.Count - 1), now.Count);
        Assert.All(now, one => Assert.Equal(Run(launched.Single(old => old.Name == one.Name)), one.Run));
        return (told, now);

        static int Run(Instance old) => old.ServingName is "timeout" or "no-money" ? old.Run + 1 : old.Run;
    }

    /// <summary>Drains, tops up, renames, revokes, repairs, stops and deletes.</summary>
    private static async Task ChangeEverythingAsync(SchedulerProcess demo, IReadOnlyList<Instance> launched)
    {
        var api = ApiClient.Of("http", demo);
        var (accounts, instances, keys) = (
            new Accounts.AccountsClient(demo.Calls),
            new Instances.InstancesClient(demo.Calls),
            new Keys.KeysClient(demo.Calls)
        );
        var providers = new Scheduler.Api.V1.Providers.ProvidersClient(demo.Calls);
        Instance Of(string name) => launched.Single(one => one.ServingName == name);

        await accounts.TopUpAccountAsync(
            new TopUpAccountRequest
            {
                Name = Poor,
                AmountMicroEur = 50_000_000,
                Reference = "by-hand",
            },
            cancellationToken: Ct
        );
        foreach (var name in new[] { Rich, Poor })
        {
            await accounts.UpdateAccountAsync(
                new UpdateAccountRequest { Name = name, DisplayName = "Renamed" },
                cancellationToken: Ct
            );
        }

        foreach (var repaired in new[] { Of("no-money"), Of("timeout") })
        {
            await instances.StartInstanceAsync(
                new StartInstanceRequest { Name = repaired.Name },
                cancellationToken: Ct
            );
            await api.UntilAsync(repaired.Name, i => i.State == InstanceState.Running);
        }

        await instances.StopInstanceAsync(new StopInstanceRequest { Name = Of("chat").Name }, cancellationToken: Ct);
        await instances.DeleteInstanceAsync(
            new DeleteInstanceRequest { Name = Of("no-match").Name },
            cancellationToken: Ct
        );
        foreach (var provider in new[] { "sim-verda", "sim-yotta", "sim-jarvislabs" })
        {
            await providers.DrainProviderAsync(
                new DrainProviderRequest { Name = $"providers/{provider}" },
                cancellationToken: Ct
            );
        }

        foreach (
            var key in (await keys.ListKeysAsync(new ListKeysRequest { Parent = Rich }, cancellationToken: Ct)).Keys
        )
        {
            await keys.RevokeKeyAsync(new RevokeKeyRequest { Name = key.Name }, cancellationToken: Ct);
        }
    }

    private static async Task DeleteEverythingAsync(SchedulerProcess demo)
    {
        var api = ApiClient.Of("http", demo);
        var instances = new Instances.InstancesClient(demo.Calls);
        foreach (var instance in await InstancesAsync(demo))
        {
            if (instance.State != InstanceState.Stopped)
            {
                await instances.StopInstanceAsync(
                    new StopInstanceRequest { Name = instance.Name },
                    cancellationToken: Ct
                );
                await api.UntilAsync(instance.Name, i => i.State == InstanceState.Stopped);
            }

            await instances.DeleteInstanceAsync(
                new DeleteInstanceRequest { Name = instance.Name },
                cancellationToken: Ct
            );
        }
    }

    private static async Task<IReadOnlyList<Instance>> InstancesAsync(SchedulerProcess demo)
    {
        var request = new ListInstancesRequest { Parent = "accounts/-", PageSize = 1000 };
        return (
            await new Instances.InstancesClient(demo.Calls).ListInstancesAsync(request, cancellationToken: Ct)
        ).Instances;
    }

    private static string KeyIn(List<string> told) =>
        Assert.Single(told, line => line.Contains("export KEY=")).Split('=')[^1];

    /// <summary>Starts it and returns its output when the demo is told.</summary>
    private static async Task<List<string>> PlayAsync(SchedulerProcess demo)
    {
        var before = demo.Lines.Count;
        await demo.StartAsync(Ct);
        return await Eventually.UntilAsync(
            () => Task.FromResult(demo.Lines.Skip(before).ToList()),
            told => told.Any(line => line.Contains(LastLine)),
            "the demo is told"
        );
    }

    [GeneratedRegex("__RequestVerificationToken\" value=\"([^\"]+)")]
    private static partial Regex FormToken();
}
