using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using Microsoft.Data.Sqlite;
using Microsoft.Playwright;
using Scheduler.Api.V1;
using Scheduler.TestKit;

namespace Scheduler.Benchmarks;

/// <summary>
/// The dashboard with a small and a large fleet: server time and size of its pages, and first paint in a browser. The
/// large fleet consists of the stored states of the small one, copied under other ids with the store's own triggers.
/// </summary>
public static partial class PageFigures
{
    private const int Requests = 40;
    private const string Account = "accounts/acct-pages";

    private static readonly (string Name, string Path)[] Pages =
    [
        ("fleet", "/dashboard"),
        ("instances, newest", "/dashboard/instances"),
        ("instances, by last change", "/dashboard/instances?sort=recently-changed"),
        ("instances, by name", "/dashboard/instances?sort=name"),
        ("instances, failed with a code", "/dashboard/instances?state=failed&code=SMART_NO_MATCH"),
        ("instances, rare text", "/dashboard/instances?q=copy-77777"),
        ("an instance", "/dashboard/instances/{id}"),
    ];

    /// <param name="args">[instances, default 100,000]</param>
    public static async Task RunAsync(string[] args)
    {
        ArgumentNullException.ThrowIfNull(args);
        var large = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 100_000;
        await using var scheduler = new SchedulerProcess(null, SchedulerProcess.ZeroDelay);
        await scheduler.StartAsync();
        var id = await LaunchAsync(scheduler);
        Console.WriteLine("fleet of 2:");
        await MeasureAsync(scheduler, id);
        await scheduler.StopAsync();
        Copy(Path.Combine(scheduler.Folder, "data", "scheduler.db"), large);
        await scheduler.StartAsync();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"fleet of {large:N0}:"));
        await MeasureAsync(scheduler, id);
        await WeighAsync(scheduler);
    }

    /// <summary>Launches one running and one failed instance.</summary>
    private static async Task<string> LaunchAsync(SchedulerProcess scheduler)
    {
        var accounts = new Accounts.AccountsClient(scheduler.Channel);
        await accounts.CreateAccountAsync(
            new CreateAccountRequest { AccountId = "acct-pages", DisplayName = "pages" },
            scheduler.Auth
        );
        await accounts.TopUpAccountAsync(
            new TopUpAccountRequest
            {
                Name = Account,
                AmountMicroEur = 100_000_000,
                Reference = "pages",
            },
            scheduler.Auth
        );
        var instances = new Instances.InstancesClient(scheduler.Channel);
        var runs = new LaunchSpec { Model = "Qwen/Qwen2.5-0.5B", ContextTokens = 4096 };
        var fails = runs.Clone();
        fails.Constraints = new SmartConstraints { MaxPricePerHourMicroEur = 1 };
        var names = new List<string>();
        foreach (var (name, spec) in new[] { ("runs", runs), ("fails", fails) })
        {
            var created = await instances.CreateInstanceAsync(
                new CreateInstanceRequest
                {
                    Parent = Account,
                    ServingName = name,
                    Spec = spec,
                },
                scheduler.Auth
            );
            names.Add(created.Name.Split('/')[^1]);
            try
            {
                await instances.StartInstanceAsync(new StartInstanceRequest { Name = created.Name }, scheduler.Auth);
            }
            catch (Grpc.Core.RpcException exception)
                when (exception.StatusCode == Grpc.Core.StatusCode.FailedPrecondition)
            {
                // Intended: no offer is this cheap.
            }
        }

        return names[^1];
    }

    private static void Copy(string database, int instances)
    {
        using var connection = new SqliteConnection($"Data Source={database}");
        connection.Open();
        using var copy = connection.CreateCommand();
        copy.CommandText = """
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $count),
              model AS (SELECT row_number() OVER () AS place, payload FROM states WHERE kind = 'instance')
            INSERT INTO states (kind, id, n0, n1, version, payload)
            SELECT 'instance', 'i-' || substr('aaaaaaaaaaaaaaaaaaaa' || translated, -20), 0, 0, 1,
              json_set(json_remove(payload, '$.events', '$.wakeAt'), '$.id', 'i-' || substr('aaaaaaaaaaaaaaaaaaaa' || translated, -20),
                '$.servingName', 'copy-' || i)
            FROM (SELECT i, replace(replace(replace(replace(CAST(i AS TEXT), '0', 'q'), '1', 'r'), '8', 's'), '9', 't') AS translated FROM n)
            JOIN model ON place = 1 + i % 2
            """;
        copy.Parameters.AddWithValue("$count", instances);
        copy.ExecuteNonQuery();
    }

    private static async Task MeasureAsync(SchedulerProcess scheduler, string id)
    {
        using var client = await SignInAsync(scheduler);
        Console.WriteLine($"  {"page", -32} {"p50 ms", 8} {"p95 ms", 8} {"CPU ms", 8} {"kB", 6} {"painted ms", 11}");
        await using var window = await PageWindow.OpenAsync(scheduler);
        foreach (var (name, path) in Pages)
        {
            var at = path.Replace("{id}", id, StringComparison.Ordinal);
            var (took, cpu, bytes) = await AskAsync(scheduler, client, at);
            var painted = await window.PaintedAsync(at);
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"  {name, -32} {took[took.Count / 2], 8:0.0} {took[took.Count * 95 / 100], 8:0.0} {cpu, 8:0.0} {bytes / 1000.0, 6:0.0} {painted, 11:0}"
                )
            );
        }
    }

    private static async Task<(List<double> Took, double Cpu, int Bytes)> AskAsync(
        SchedulerProcess scheduler,
        HttpClient client,
        string path
    )
    {
        var (took, bytes) = (new List<double>(), 0);
        await client.GetByteArrayAsync(path);
        var cpu = scheduler.Cpu;
        for (var i = 0; i < Requests; i++)
        {
            var began = Stopwatch.GetTimestamp();
            bytes = (await client.GetByteArrayAsync(path)).Length;
            took.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
        }

        took.Sort();
        return (took, (scheduler.Cpu - cpu).TotalMilliseconds / Requests, bytes);
    }

    /// <summary>Assets that a first visit loads in addition to the page.</summary>
    private static async Task WeighAsync(SchedulerProcess scheduler)
    {
        using var client = await SignInAsync(scheduler);
        var page = await client.GetStringAsync("/dashboard");
        client.DefaultRequestHeaders.AcceptEncoding.ParseAdd("br, gzip");
        foreach (var asset in Asset().Matches(page).Select(match => match.Groups["path"].Value).Distinct())
        {
            using var answer = await client.GetAsync("/" + asset);
            var bytes = await answer.Content.ReadAsByteArrayAsync();
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"  {asset.Split('/')[^1], -40} {bytes.Length / 1000.0, 6:0.0} kB {string.Join(' ', answer.Content.Headers.ContentEncoding)}"
                )
            );
        }
    }

    private static async Task<HttpClient> SignInAsync(SchedulerProcess scheduler)
    {
        var client = new HttpClient(new HttpClientHandler { CookieContainer = new CookieContainer() })
        {
            BaseAddress = scheduler.Http,
        };
        var form = await client.GetStringAsync("/dashboard/sign-in");
        using var answer = await client.PostAsync(
            "/dashboard/session",
            new FormUrlEncodedContent([
                new("__RequestVerificationToken", Token().Match(form).Groups["token"].Value),
                new("key", scheduler.Token),
            ])
        );
        answer.EnsureSuccessStatusCode();
        return client;
    }

    [GeneratedRegex("(?:href|src)=\"(?<path>_[^\"]+)\"")]
    private static partial Regex Asset();

    [GeneratedRegex("__RequestVerificationToken\" value=\"(?<token>[^\"]+)\"")]
    private static partial Regex Token();

    /// <summary>A signed-in browser.</summary>
    private sealed class PageWindow(IPlaywright driver, IBrowser browser, IPage page) : IAsyncDisposable
    {
        private const int Visits = 5;

        public static async Task<PageWindow> OpenAsync(SchedulerProcess scheduler)
        {
            var lies = typeof(PageFigures)
                .Assembly.GetCustomAttributes(typeof(System.Reflection.AssemblyMetadataAttribute), false)
                .Cast<System.Reflection.AssemblyMetadataAttribute>()
                .Single(attribute => attribute.Key == "PlaywrightDriver");
            Environment.SetEnvironmentVariable("PLAYWRIGHT_DRIVER_SEARCH_PATH", lies.Value);
            var driver = await Playwright.CreateAsync();
            var browser = await driver.Chromium.LaunchAsync(
                new BrowserTypeLaunchOptions
                {
                    ExecutablePath = "/usr/bin/chromium-headless-shell",
                    Args = ["--no-sandbox"],
                }
            );
            var page = await browser.NewPageAsync(new BrowserNewPageOptions { BaseURL = scheduler.Http.ToString() });
            await page.GotoAsync("/dashboard/sign-in");
            await page.FillAsync("#key", scheduler.Token);
            await page.ClickAsync("main button");
            await page.WaitForURLAsync("**/dashboard");
            return new PageWindow(driver, browser, page);
        }

        /// <summary>Median of the first contentful paint in ms after the navigation, with cached assets.</summary>
        public async Task<double> PaintedAsync(string path)
        {
            var seen = new List<double>();
            for (var i = 0; i < Visits; i++)
            {
                await page.GotoAsync(path);
                seen.Add(
                    await page.EvaluateAsync<double>(
                        """
                        () => new Promise(painted => new PerformanceObserver(list => {
                          const first = list.getEntriesByName("first-contentful-paint")[0];
                          if (first) painted(first.startTime);
                        }).observe({ type: "paint", buffered: true }))
                        """
                    )
                );
            }

            seen.Sort();
            return seen[Visits / 2];
        }

        public async ValueTask DisposeAsync()
        {
            await browser.DisposeAsync();
            driver.Dispose();
        }
    }
}
