using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.SystemTests;

/// <summary>
/// INV-13 on a whole scheduler. Secrets are planted in every place that a user or an operator can fill, and they are used. Then they are
/// searched in all that the scheduler says, stores and starts.
/// </summary>
public sealed partial class PlantedSecretsTests : IAsyncLifetime
{
    private const string Secret = "planted-first-Wq8zN4";
    private const string Rotated = "planted-second-Yk2vT7";
    private const string Plain = "planted-plain-Rb5mX1";

    private readonly string _folder = Directory.CreateTempSubdirectory("scheduler-").FullName;
    private readonly List<(string Where, string Text)> _said = [];
    private readonly string _masterKey = Convert.ToBase64String(
        Encoding.ASCII.GetBytes("planted-master-key-of-32-bytes!!")
    );
    private SchedulerProcess _scheduler = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await File.WriteAllTextAsync(
            Path.Combine(_folder, "settings.json"),
            JsonSerializer.Serialize(
                new
                {
                    Providers = new
                    {
                        Simulated = new { Enabled = false },
                        Process = new
                        {
                            Enabled = true,
                            StateDirectory = "data/process",
                            ProbeEvery = "00:00:00.100",
                            StopGrace = "00:00:02",
                            FirstPort = 29_700,
                            LastPort = 29_719,
                            Cpu = new { Enabled = true, Available = 2 },
                            Presets = new Dictionary<string, object>
                            {
                                ["guarded"] = Preset("guarded"),
                                ["dies"] = Preset("exit-1"),
                            },
                        },
                    },
                }
            ),
            Ct
        );
        _scheduler = new SchedulerProcess(_folder, "--config", "settings.json")
        {
            Environment = new Dictionary<string, string> { ["Secrets__MasterKeys"] = $"k1:{_masterKey}" },
        };
        await _scheduler.StartAsync(Ct);
    }

    public async ValueTask DisposeAsync()
    {
        await _scheduler.KillAsync();
        foreach (var (id, _, _) in Children())
        {
            try
            {
                using var child = System.Diagnostics.Process.GetProcessById(id);
                child.Kill();
            }
            catch (ArgumentException)
            {
                // It has ended.
            }
        }

        await _scheduler.DisposeAsync();
    }

    [Fact]
    public async Task No_planted_secret_is_said_stored_or_listed_INV_13()
    {
        // 1. Everything happens to them.
        using var http = Client(_scheduler.Token);
        await OkAsync(http, "POST", "accounts", """{"account_id":"acct-a"}""");
        await OkAsync(http, "POST", "accounts/acct-a:topUp", """{"amount_micro_eur":50000000,"reference":"r"}""");
        await OkAsync(http, "POST", "accounts/acct-a/secrets", $$"""{"secret_id":"hub","value":"{{Secret}}"}""");
        var chat = await CreateAsync(http, "chat", "guarded");
        var dying = await CreateAsync(http, "dying", "dies");
        await OkAsync(http, "POST", $"{chat}:start", "{}");
        await OkAsync(http, "POST", $"{dying}:start", "{}");
        await UntilAsync(http, chat, "INSTANCE_STATE_RUNNING");
        await UntilAsync(http, dying, "INSTANCE_STATE_FAILED");
        await OkAsync(http, "POST", "accounts/acct-a/secrets/hub:rotate", $$"""{"value":"{{Rotated}}"}""");
        await RefusalsAsync(http);
        var runtimeKeys = Children().Select(child => child.Key).Distinct(StringComparer.Ordinal).ToList();
        Assert.Single(runtimeKeys);

        // 2. A scheduler that restarts says no more.
        await _scheduler.KillAsync();
        await _scheduler.StartAsync(Ct);
        using var again = Client(_scheduler.Token);
        await OkAsync(again, "POST", "secrets:rotateMasterKey", "{}");
        await ListsAsync(again, chat, dying);
        await PagesAsync(chat, dying);

        // 3. They are searched.
        string[] planted = [Secret, Rotated, _masterKey, .. runtimeKeys];
        Assert.All(_said, said => AssertNone(planted, said.Where, said.Text));
        Assert.All(_scheduler.Lines, line => AssertNone([.. planted, Plain], "the log", line));
        Assert.All(CommandLines(), line => AssertNone([.. planted, Plain], "a process list", line));
        await _scheduler.KillAsync();
        foreach (var file in Directory.EnumerateFiles(_folder, "*", SearchOption.AllDirectories))
        {
            AssertNone(planted, file, Encoding.Latin1.GetString(await File.ReadAllBytesAsync(file, Ct)));
        }

        // A plain value is stored readable. Lists, viewers and pages do not show one that looks like a secret.
        var masked = _said.Where(said => !said.Where.StartsWith("full ", StringComparison.Ordinal)).ToList();
        Assert.Contains(masked, said => said.Text.Contains("HUB_PASSWORD", StringComparison.Ordinal));
        Assert.All(masked, said => AssertNone([Plain], said.Where, said.Text));
        Assert.Contains(Children(), child => child.Environment.Contains(Secret, StringComparison.Ordinal));
    }

    /// <summary>Requests with secrets in the wrong places: the answers repeat none.</summary>
    private async Task RefusalsAsync(HttpClient http)
    {
        (string Path, string Body)[] wrong =
        [
            ("accounts/acct-a/secrets", $$"""{"secret_id":"hub","value":"{{Secret}}{{Rotated}}"}"""),
            ("accounts/acct-a/secrets", $$"""{"secret_id":"No!","value":"{{Secret}}"}"""),
            ("accounts/acct-a/secrets", $$"""{"secret_id":"long","value":"{{Secret}}{{new string('x', 20_000)}}"}"""),
            ("accounts/acct-a/secrets", $$"""{"secret_id":"list","value":["{{Secret}}"]}"""),
            ("accounts/acct-a/secrets", $$"""{"secret_id":"open","value":"{{Secret}}"""),
            ("accounts/acct-b/secrets", $$"""{"secret_id":"hub","value":"{{Secret}}"}"""),
            ("accounts/acct-a/secrets/none:rotate", $$"""{"value":"{{Secret}}"}"""),
            ("accounts/acct-a/secrets/hub:rotate", $$"""{"value":"{{Secret}}","if_version":77}"""),
            ("accounts/acct-a/instances", Instance("bad", "guarded", $$$"""{"LD_PRELOAD":{"value":"{{{Secret}}}"}}""")),
            ("accounts/acct-a/instances", Instance("bad", "guarded", $$$"""{"A":{"value":"{{{Secret}}}\u0000"}}""")),
            ("accounts/acct-a/instances", Instance("bad", "guarded", """{"A":{"secret":"missing"}}""")),
        ];
        foreach (var (path, body) in wrong)
        {
            var (status, _) = await SendAsync(http, "POST", path, body);
            Assert.InRange(status, 400, 499);
        }
    }

    private async Task ListsAsync(HttpClient http, params string[] instances)
    {
        var viewer = await OkAsync(http, "POST", "accounts/acct-a/keys", """{"role":"KEY_ROLE_VIEWER"}""");
        using var read = Client(JsonDocument.Parse(viewer).RootElement.GetProperty("token").GetString()!);
        foreach (var instance in instances)
        {
            await OkAsync(read, "GET", instance);
            await OkAsync(read, "GET", $"{instance}/events");
            var detail = await OkAsync(http, "GET", instance, isFull: true);
            var request = JsonDocument.Parse(detail).RootElement.GetProperty("requestId").GetString();
            await OkAsync(http, "GET", $"requests/{request}");
        }

        foreach (var path in new[] { "instances", "secrets", "secrets/hub", "quotas", "keys" })
        {
            await OkAsync(read, "GET", $"accounts/acct-a/{path}");
        }

        await OkAsync(http, "GET", "accounts/-/instances");
        await OkAsync(http, "GET", "providers");
        using var root = new HttpClient { BaseAddress = _scheduler.Http };
        foreach (var path in new[] { "/metrics", "/readyz", "/openapi/v1.json" })
        {
            using var answer = await root.GetAsync(new Uri(path, UriKind.Relative), Ct);
            _said.Add((path, await answer.Content.ReadAsStringAsync(Ct)));
        }
    }

    /// <summary>The dashboard as an operator sees it, with the support bundle.</summary>
    private async Task PagesAsync(params string[] instances)
    {
        using var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            CookieContainer = new CookieContainer(),
        };
        using var browser = new HttpClient(handler) { BaseAddress = _scheduler.Http };
        var form = await browser.GetStringAsync(new Uri("/dashboard/sign-in", UriKind.Relative), Ct);
        using var fields = new FormUrlEncodedContent([
            new("__RequestVerificationToken", FormToken().Match(form).Groups["token"].Value),
            new("key", _scheduler.Token),
            new("return", "/dashboard"),
        ]);
        using var signedIn = await browser.PostAsync(new Uri("/dashboard/session", UriKind.Relative), fields, Ct);
        Assert.Equal(HttpStatusCode.Redirect, signedIn.StatusCode);
        var ids = instances.Select(name => name[(name.LastIndexOf('/') + 1)..]).ToList();
        var requests = _said
            .SelectMany(said => RequestIds().Matches(said.Text).Select(match => match.Value))
            .Distinct(StringComparer.Ordinal)
            .Take(20);
        string[] pages =
        [
            "",
            "/instances",
            "/accounts/acct-a",
            "/providers",
            "/requests",
            .. ids.Select(id => $"/instances/{id}"),
            .. ids.Select(id => $"/launch?like={id}"),
            .. requests.SelectMany(id => new[] { $"/requests/{id}", $"/requests/{id}/bundle" }),
        ];
        foreach (var page in pages)
        {
            using var answer = await browser.GetAsync(new Uri($"/dashboard{page}", UriKind.Relative), Ct);
            _said.Add((page, await answer.Content.ReadAsStringAsync(Ct)));
        }

        Assert.Contains(_said, said => said.Where.EndsWith("/bundle", StringComparison.Ordinal));
    }

    private async Task<string> CreateAsync(HttpClient http, string name, string preset)
    {
        const string environment =
            $$$"""{"HF_TOKEN":{"secret":"hub"},"HUB_PASSWORD":{"value":"{{{Plain}}}"},"GREETING":{"value":"hello"}}""";
        var made = await OkAsync(
            http,
            "POST",
            "accounts/acct-a/instances",
            Instance(name, preset, environment),
            isFull: true
        );
        return JsonDocument.Parse(made).RootElement.GetProperty("name").GetString()!;
    }

    private static string Instance(string name, string preset, string environment) =>
        $$$"""{"serving_name":"{{{name}}}","spec":{"model":"Qwen/Qwen2.5-0.5B","runtime":"{{{preset}}}","context_tokens":1024,"env":{{{environment}}}}}""";

    private async Task UntilAsync(HttpClient http, string instance, string state)
    {
        await Eventually.UntilAsync(
            () => OkAsync(http, "GET", instance, isFull: true),
            text => JsonDocument.Parse(text).RootElement.GetProperty("state").GetString() == state,
            $"{instance} is {state}"
        );
    }

    /// <param name="isFull">Whether the caller may read plain values.</param>
    private async Task<string> OkAsync(
        HttpClient http,
        string method,
        string path,
        string? body = null,
        bool isFull = false
    )
    {
        var isShownToFullKeys = isFull || path.EndsWith(":start", StringComparison.Ordinal);
        var (status, text) = await SendAsync(http, method, path, body, isShownToFullKeys ? "full " : "");
        Assert.True(status == 200, $"{method} {path}: {status} {text}\n{_scheduler.Output}");
        return text;
    }

    private async Task<(int Status, string Text)> SendAsync(
        HttpClient http,
        string method,
        string path,
        string? body,
        string reader = ""
    )
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), new Uri($"/v1/{path}", UriKind.Relative));
        request.Content = body is null ? null : new StringContent(body, Encoding.UTF8, "application/json");
        using var answer = await http.SendAsync(request, Ct);
        var text = await answer.Content.ReadAsStringAsync(Ct);
        _said.Add(($"{reader}{method} {path}", $"{answer.Headers}{text}"));
        return ((int)answer.StatusCode, text);
    }

    private HttpClient Client(string token)
    {
        var client = new HttpClient { BaseAddress = _scheduler.Http };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return client;
    }

    private static object Preset(string mode) =>
        new
        {
            Program = "dotnet",
            KeyVariable = "FAKE_KEY",
            Arguments = new[]
            {
                Path.Combine(AppContext.BaseDirectory, "fake-runtime.dll"),
                "--port",
                "{port}",
                "--mode",
                mode,
            },
        };

    private static void AssertNone(string[] planted, string where, string text) =>
        Assert.All(
            planted,
            secret => Assert.False(text.Contains(secret, StringComparison.Ordinal), $"{secret[..12]}… is in {where}")
        );

    private static IEnumerable<string> CommandLines() => ReadProc("cmdline").Select(process => process.Text);

    /// <summary>The live runtimes of this test, with their environment and runtime key.</summary>
    private IEnumerable<(int Id, string Environment, string Key)> Children() =>
        ReadProc("environ")
            .Where(process => process.Text.Contains($"SCHEDULER_STATE={_folder}", StringComparison.Ordinal))
            .Select(process => (process.Id, process.Text, Variable(process.Text, "FAKE_KEY=")));

    private static string Variable(string environment, string name) =>
        environment.Split('\0').FirstOrDefault(one => one.StartsWith(name, StringComparison.Ordinal))?[name.Length..]
        ?? "none";

    private static List<(int Id, string Text)> ReadProc(string file)
    {
        var found = new List<(int, string)>();
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(folder), out var id))
            {
                continue;
            }

            try
            {
                found.Add((id, File.ReadAllText(Path.Combine(folder, file))));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // It has ended, or belongs to another user.
            }
        }

        return found;
    }

    [GeneratedRegex("name=\"__RequestVerificationToken\" value=\"(?<token>[^\"]+)\"", RegexOptions.ExplicitCapture)]
    private static partial Regex FormToken();

    [GeneratedRegex("req-[a-z2-7]{26}")]
    private static partial Regex RequestIds();
}
