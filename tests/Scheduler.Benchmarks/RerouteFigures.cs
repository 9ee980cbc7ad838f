using System.Globalization;
using System.Text.Json;
using Scheduler.Api.V1;
using Scheduler.TestKit;

namespace Scheduler.Benchmarks;

/// <summary>
/// P-13: time from a known provider refusal to the next request at a provider (<c>auto_reroute</c>): the refusal's time
/// in the timeline, compared with the time of the next request in the cloud.
/// </summary>
public static class RerouteFigures
{
    /// <param name="args">[launches, default 400]</param>
    public static async Task RunAsync(string[] args)
    {
        ArgumentNullException.ThrowIfNull(args);
        var launches = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 400;
        await using var scheduler = new SchedulerProcess(
            null,
            [
                .. SchedulerProcess.ZeroDelay,
                "--Providers:Simulated:StatePath=cloud.journal",
                "--Providers:Simulated:Faults:0:OutOfStock=true",
                "--Providers:Simulated:Faults:0:Probability=0.5",
                "--Scheduler:Providers:BreakerFailures=1000",
                "--Scheduler:Launch:RouteCooldown=00:00:01",
            ]
        );
        await scheduler.StartAsync();
        var accounts = await LaunchFigures.AccountsAsync(scheduler.Calls, 10);
        var client = new Instances.InstancesClient(scheduler.Calls);
        var names = new List<string>();
        foreach (var i in Enumerable.Range(0, launches))
        {
            var created = await client.CreateInstanceAsync(
                new CreateInstanceRequest
                {
                    Parent = accounts[i % accounts.Length],
                    ServingName = $"r-{i}",
                    Spec = new LaunchSpec
                    {
                        Model = "Qwen/Qwen2.5-0.5B",
                        ContextTokens = 4096,
                        AutoReroute = true,
                    },
                }
            );
            await client.StartInstanceAsync(new StartInstanceRequest { Name = created.Name });
            names.Add(created.Name);
        }

        var asked = await AskedAsync(Path.Combine(scheduler.Folder, "cloud.journal"));
        var took = new List<double>();
        foreach (var name in names)
        {
            var events = await client.ListInstanceEventsAsync(
                new ListInstanceEventsRequest { Parent = name, PageSize = 1000 }
            );
            var refusals = events.Events.Where(e => e.Trigger == "ProviderRejected").ToList();
            for (var i = 0; i < refusals.Count; i++)
            {
                // A refused request is not in the cloud's journal; the accepted one is.
                if (asked.TryGetValue($"{name.Split('/')[^1]}-r1-a{i + 2}", out var at))
                {
                    took.Add((at - refusals[i].Time.ToDateTimeOffset()).TotalMilliseconds);
                }
            }
        }

        took.Sort();
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"refusal known to next request, {took.Count} re-routes: p50 {took[took.Count / 2]:0} ms, p99 {took[took.Count * 99 / 100]:0} ms, max {took[^1]:0} ms"
            )
        );
    }

    private static async Task<Dictionary<string, DateTimeOffset>> AskedAsync(string journal)
    {
        var asked = new Dictionary<string, DateTimeOffset>(StringComparer.Ordinal);
        foreach (var line in await File.ReadAllLinesAsync(journal))
        {
            using var record = JsonDocument.Parse(line);
            asked.TryAdd(
                record.RootElement.GetProperty("Key").GetString()!,
                record.RootElement.GetProperty("AskedAt").GetDateTimeOffset()
            );
        }

        return asked;
    }
}
