using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Scheduler.Api.V1;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.SystemTests;

/// <summary>Three workers on this machine, with mutual TLS and real child processes, and <c>kill -9</c> of each side.</summary>
public sealed class WorkerHostsTests : IAsyncLifetime
{
    private const int Hosts = 3;
    private const int FirstPort = 31_000;
    private const int PortsOfHost = 30;

    private readonly string _folder = Directory.CreateTempSubdirectory("workers-").FullName;
    private readonly List<WorkerProcess> _workers = [];
    private SchedulerProcess _scheduler = null!;
    private HttpClient _http = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _scheduler = new SchedulerProcess(
            Path.Combine(_folder, "scheduler"),
            [
                "--Providers:Simulated:Enabled=false",
                "--Providers:Worker:Enabled=true",
                "--Scheduler:Launch:ProbeEvery=00:00:00.100",
                "--Scheduler:Providers:SweepEvery=00:00:00.500",
                "--Scheduler:Providers:SafetyAge=00:00:02",
                "--Scheduler:Providers:RefreshEvery=00:00:01",
                .. Preset("Worker"),
            ]
        );
        Directory.CreateDirectory(_scheduler.Folder);
        await _scheduler.StartAsync(Ct);
        _http = new HttpClient();
        var token = (await CallAsync(HttpMethod.Post, "joinTokens", """{"maxUses":3}"""))
            .GetProperty("token")
            .GetString()!;
        for (var host = 0; host < Hosts; host++)
        {
            var first = FirstPort + (host * PortsOfHost);
            var worker = new WorkerProcess(
                Path.Combine(_folder, $"gpu-{host}"),
                $"gpu-{host}",
                [
                    $"--Worker:Name=gpu-{host}",
                    Setting("Worker:Port", first),
                    Setting("Providers:Process:FirstPort", first + 1),
                    Setting("Providers:Process:LastPort", first + PortsOfHost - 1),
                    "--Providers:Process:Cpu:Enabled=true",
                    "--Providers:Process:Cpu:GpuType=L4",
                    "--Providers:Process:Cpu:Available=4",
                    "--Providers:Process:Cpu:PricePerHour=0.05",
                    "--Providers:Process:ProbeEvery=00:00:00.100",
                    "--Providers:Process:StopGrace=00:00:02",
                    .. Preset("Process"),
                ]
            );
            _workers.Add(worker);
            await worker.StartAsync(Ct, "--join", _scheduler.Http.ToString(), "--token", token);
        }

        await Eventually.UntilAsync(
            () => CallAsync(HttpMethod.Get, "offers?provider=worker"),
            offers => offers.GetProperty("offers").GetArrayLength() == Hosts,
            "all hosts are offered"
        );
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var worker in _workers)
        {
            await worker.DisposeAsync();
        }

        foreach (var id in Runtimes())
        {
            using var process = System.Diagnostics.Process.GetProcessById(id);
            process.Kill();
        }

        _http.Dispose();
        await _scheduler.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Three_hosts_serve_a_balancer_while_each_side_is_killed()
    {
        var api = ApiClient.Of("http", _scheduler);
        var instances = await LaunchOnEachAsync(api);
        await BalanceAsync();
        var runtimes = Runtimes();
        Assert.Equal(["chat-0", "chat-1", "chat-2"], await AnswersAsync(60));

        await _workers[0].KillAsync();
        Assert.Equal(["chat-0", "chat-1", "chat-2"], await AnswersAsync(60));
        Assert.Equal(runtimes, Runtimes());
        await Eventually.UntilAsync(
            () => CallAsync(HttpMethod.Get, "hosts/gpu-0"),
            host => host.GetProperty("reach").GetString() == "HOST_REACH_SILENT",
            "the host is seen as silent"
        );

        await _scheduler.KillAsync();
        await _scheduler.StartAsync(Ct);
        api = ApiClient.Of("http", _scheduler);
        await Eventually.UntilAsync(() => AnswersAsync(30), answers => answers.Count == Hosts, "all serve again");
        await _workers[0].StartAsync(Ct);
        await Eventually.UntilAsync(
            () => CallAsync(HttpMethod.Get, "hosts/gpu-0"),
            host => host.GetProperty("reach").GetString() == "HOST_REACH_REACHABLE",
            "the host answers again"
        );

        Assert.Equal(runtimes, Runtimes());
        foreach (var instance in instances)
        {
            var after = (await api.GetInstanceAsync(instance.Name)).Ok;
            Assert.Equal((InstanceState.Running, instance.RunningSince), (after.State, after.RunningSince));
        }

        foreach (var instance in instances)
        {
            _ = (await api.StopAsync(instance.Name)).Ok;
        }

        foreach (var instance in instances)
        {
            await api.UntilAsync(instance.Name, i => i.State == InstanceState.Stopped && !i.ReleasePending);
        }

        Assert.Empty(Runtimes());
        await DrainAndRemoveAsync("gpu-2");
    }

    [Fact(Explicit = true)]
    public async Task Kills_at_random_moments_start_nothing_twice_and_leave_nothing()
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("SCHEDULER_SEED"), out var given)
            ? given
            : System.Security.Cryptography.RandomNumberGenerator.GetInt32(int.MaxValue);
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var api = ApiClient.Of("http", _scheduler);
        var account = await AccountAsync(api);
        for (var round = 0; round < 10; round++)
        {
            var names = new List<string>();
            for (var launch = 0; launch < 6; launch++)
            {
                var created = (await api.CreateInstanceAsync(account, $"r{round}-{launch}", Spec(null))).Ok;
                _ = (await api.StartAsync(created.Name)).Ok;
                names.Add(created.Name);
            }

            await Task.Delay(random.Next(1500), Ct);
            var worker = _workers[random.Next(Hosts)];
            await worker.KillAsync();
            if (random.Next(2) == 0)
            {
                await _scheduler.KillAsync();
                await Task.Delay(random.Next(500), Ct);
                await _scheduler.StartAsync(Ct);
                api = ApiClient.Of("http", _scheduler);
            }

            await Task.Delay(random.Next(1000), Ct);
            await worker.StartAsync(Ct);
            foreach (var name in names)
            {
                await api.UntilAsync(name, i => i.State is InstanceState.Running or InstanceState.Failed);
            }

            AssertNothingTwice();
            foreach (var name in names)
            {
                _ = (await api.StopAsync(name)).Ok;
            }

            foreach (var name in names)
            {
                await api.UntilAsync(
                    name,
                    i => i.State is InstanceState.Stopped or InstanceState.Failed && !i.ReleasePending
                );
            }

            await Eventually.UntilAsync(() => Task.FromResult(Runtimes().Count), count => count == 0, "all have ended");
        }
    }

    private async Task DrainAndRemoveAsync(string host)
    {
        await CallAsync(HttpMethod.Post, $"hosts/{host}:drain", """{"reason":"test"}""");
        await Eventually.UntilAsync(
            () => CallAsync(HttpMethod.Get, "offers?provider=worker"),
            offers => offers.GetProperty("offers").GetArrayLength() == Hosts - 1,
            "a drained host is not offered"
        );
        await CallAsync(HttpMethod.Post, $"hosts/{host}:remove", "{}");
        var left = await CallAsync(HttpMethod.Get, "hosts");
        Assert.Equal(Hosts - 1, left.GetProperty("hosts").GetArrayLength());
    }

    private static async Task<List<Instance>> LaunchOnEachAsync(ApiClient api)
    {
        var account = await AccountAsync(api);
        var names = new List<string>();
        for (var host = 0; host < Hosts; host++)
        {
            var created = (await api.CreateInstanceAsync(account, $"chat-{host}", Spec($"gpu-{host}"))).Ok;
            _ = (await api.StartAsync(created.Name)).Ok;
            names.Add(created.Name);
        }

        var running = new List<Instance>();
        foreach (var name in names)
        {
            running.Add(await api.UntilAsync(name, i => i.State == InstanceState.Running));
        }

        return running;
    }

    private static async Task<string> AccountAsync(ApiClient api)
    {
        var account = (await api.CreateAccountAsync("acct-hosts")).Ok.Name;
        _ = (await api.TopUpAsync(account, 1_000_000_000, "payment")).Ok;
        return account;
    }

    private static LaunchSpec Spec(string? region)
    {
        var spec = Troubles.On(Troubles.Small);
        spec.Runtime = "guarded";
        spec.Constraints ??= new SmartConstraints();
        if (region is not null)
        {
            spec.Constraints.Regions.Add(region);
        }

        return spec;
    }

    private Task<JsonElement> BalanceAsync() =>
        CallAsync(
            HttpMethod.Post,
            "accounts/acct-hosts/balancers",
            """
            {"servingName":"all","spec":{"routingMode":"ROUTING_MODE_ORDERED","routes":[{"name":"main","targetGroup":"g","default":true}],
             "targetGroups":[{"name":"g","policy":"GROUP_POLICY_LEAST_OUTSTANDING",
             "members":[{"instance":"chat-0"},{"instance":"chat-1"},{"instance":"chat-2"}]}]}}
            """
        );

    /// <summary>Names of the runtimes that answered so many requests to the balancer, at least one after the other.</summary>
    private async Task<List<string>> AnswersAsync(int requests)
    {
        var key = (await CallAsync(HttpMethod.Post, "accounts/acct-hosts/keys", "{}"))
            .GetProperty("token")
            .GetString()!;
        var seen = new SortedSet<string>(StringComparer.Ordinal);
        for (var request = 0; request < requests && seen.Count < Hosts; request++)
        {
            var answer = await SendAsync(
                HttpMethod.Post,
                "/v1/chat/completions",
                """{"model":"all","messages":[{"role":"user","content":"Hello"}],"max_tokens":8}""",
                key
            );
            seen.Add(answer.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString()!);
        }

        return [.. seen];
    }

    private Task<JsonElement> CallAsync(HttpMethod method, string path, string? body = null) =>
        SendAsync(method, $"/v1/{path}", body, _scheduler.Token);

    private async Task<JsonElement> SendAsync(HttpMethod method, string path, string? body, string key)
    {
        using var request = new HttpRequestMessage(method, new Uri(_scheduler.Http, path));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        request.Content = body is null ? null : new StringContent(body, Encoding.UTF8, "application/json");
        using var answer = await _http.SendAsync(request, Ct);
        var text = await answer.Content.ReadAsStringAsync(Ct);
        Assert.True(
            answer.IsSuccessStatusCode,
            $"{method} {path}: {(int)answer.StatusCode} {text}\n{_scheduler.Output}"
        );
        using var json = JsonDocument.Parse(text);
        return json.RootElement.Clone();
    }

    private void AssertNothingTwice() =>
        Assert.All(
            Environments()
                .Where(process => process.CommandLine.StartsWith("dotnet", StringComparison.Ordinal))
                .GroupBy(process => process.Key),
            runtimes => Assert.Single(runtimes)
        );

    /// <summary>Ids of all processes of runtimes of this test.</summary>
    private List<int> Runtimes() => [.. Environments().Select(process => process.Id).Order()];

    private IEnumerable<(int Id, string Key, string CommandLine)> Environments()
    {
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out var id))
            {
                continue;
            }

            var variables = Read($"{folder}/environ").Split('\0');
            if (variables.Any(variable => variable.StartsWith($"SCHEDULER_STATE={_folder}/", StringComparison.Ordinal)))
            {
                var key = variables.First(variable =>
                    variable.StartsWith("SCHEDULER_ALLOCATION=", StringComparison.Ordinal)
                );
                yield return (id, key, Read($"{folder}/cmdline"));
            }
        }
    }

    /// <summary>Empty for a process that has exited, is a zombie, or is not readable.</summary>
    private static string Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    private static string[] Preset(string adapter)
    {
        var preset = $"--Providers:{adapter}:Presets:guarded";
        string[] arguments =
        [
            Path.Combine(AppContext.BaseDirectory, "fake-runtime.dll"),
            "--port",
            "{port}",
            "--serving-name",
            "{serving_name}",
            "--mode",
            "guarded",
        ];
        return
        [
            $"{preset}:Program=dotnet",
            $"{preset}:KeyVariable=FAKE_KEY",
            .. arguments.Select((argument, index) => Setting($"{preset[2..]}:Arguments:{index}", argument)),
        ];
    }

    private static string Setting(string name, object value) =>
        string.Create(CultureInfo.InvariantCulture, $"--{name}={value}");
}
