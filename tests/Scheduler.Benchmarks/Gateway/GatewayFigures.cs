using System.Diagnostics;
using System.Globalization;

namespace Scheduler.Benchmarks.Gateway;

/// <summary>
/// P-10: requests through the gateway of a separate process, with key check and context check. They are compared with
/// the same requests to the runtime itself and through nginx as a plain proxy. The three alternate, so that other load on the
/// machine affects all of them.
/// </summary>
public static class GatewayFigures
{
    private const double WarmUp = 0.3;

    private static readonly string[] Through = ["direct", "nginx", "gateway"];

    /// <param name="args">
    /// [rounds, default 5] [seconds of each measurement, default 1.5]; or <c>load json|sse CONNECTIONS[,CONNECTIONS…]
    /// SECONDS</c>: only this load on
    /// the gateway, for a profiler; or <c>memory</c>: only the memory tables.
    /// </param>
    public static async Task RunAsync(string[] args)
    {
        ArgumentNullException.ThrowIfNull(args);
        Environment.SetEnvironmentVariable(LoadDriver.Inline, "1");
        if (args.FirstOrDefault() == "load")
        {
            await LoadAsync(args[1], args[2], Number(args[3]));
            return;
        }

        if (args.FirstOrDefault() == "memory")
        {
            await GatewayMemory.RunAsync();
            return;
        }

        var rounds = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 5;
        var seconds = args.Length > 1 ? Number(args[1]) : 1.5;
        await using (var scene = await GatewayScene.StartAsync())
        {
            Console.WriteLine(
                $"{Environment.ProcessorCount} cores for all processes; nginx {scene.Nginx.Version}, {scene.Nginx.Ids.Count - 1} workers"
            );
            await CompareAsync(scene, rounds, seconds);
        }

        await GatewayMemory.RunAsync();
    }

    private static async Task CompareAsync(GatewayScene scene, int rounds, double seconds)
    {
        var token = await scene.NewKeyAsync();
        await WarmAsync(scene, token);
        Console.WriteLine(
            "| answer | c | through | req/s | x nginx | p50 µs | p99 µs | added p50 µs | added p99 µs | CPU µs a request | x nginx | stub | driver |"
        );
        Console.WriteLine("|---|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
        foreach (var isStream in new[] { false, true })
        {
            foreach (var connections in new[] { 1, 32, 256 })
            {
                var runs = Through.ToDictionary(way => way, _ => new List<Load>(), StringComparer.Ordinal);
                for (var round = 0; round < rounds; round++)
                {
                    foreach (var way in Through)
                    {
                        var driver = Driver(scene, way, token, isStream);
                        runs[way].Add(await driver.RunAsync(connections, WarmUp, seconds, scene.Cpu));
                    }
                }

                Print(isStream ? $"SSE, {StubRuntime.Events} events" : "JSON", connections, runs);
            }
        }
    }

    /// <summary>During the first tens of thousands of requests the JIT compiler is active.</summary>
    private static async Task WarmAsync(GatewayScene scene, string token)
    {
        foreach (var isStream in new[] { false, true, false, true })
        {
            await Driver(scene, "gateway", token, isStream).RunAsync(64, 0, 5, scene.Cpu);
        }
    }

    private static async Task LoadAsync(string answer, string connections, double seconds)
    {
        await using var scene = await GatewayScene.StartAsync();
        var token = await scene.NewKeyAsync();
        await WarmAsync(scene, token);
        Console.WriteLine($"loading process {scene.GatewayId}");
        foreach (var many in connections.Split(',').Select(text => int.Parse(text, CultureInfo.InvariantCulture)))
        {
            var load = await Driver(scene, "gateway", token, answer == "sse").RunAsync(many, 0, seconds, scene.Cpu);
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"c={many}: {load.PerSecond:0} req/s, p50 {load.Micros(0.5):0} µs, {load.CpuMicros(0):0} µs CPU each, {load.CpuMicros(2):0} of the stub, {load.CpuMicros(3):0} of the driver"
                )
            );
        }
    }

    private static LoadDriver Driver(GatewayScene scene, string way, string token, bool isStream)
    {
        var target = way switch
        {
            "direct" => scene.Direct,
            "nginx" => isStream ? scene.Nginx.Unbuffered : scene.Nginx.Buffered,
            "gateway" => scene.Gateway,
            _ => throw new UnreachableException(),
        };
        return new LoadDriver(
            target,
            LoadDriver.Chat(token, isStream ? ",\"stream\":true" : ""),
            isStream ? StubRuntime.Events : 0
        );
    }

    /// <summary>Medians over the rounds; ratios are computed within a round.</summary>
    private static void Print(string answer, int connections, Dictionary<string, List<Load>> runs)
    {
        foreach (var way in Through)
        {
            var all = runs[way];
            // CPU of the measured process: the driver calls the stub directly.
            var of = way == "gateway" ? 0 : 1;
            var cpu = way == "direct" ? "" : Text(Median(all.Select(load => load.CpuMicros(of))), "0.0");
            var cells = new[]
            {
                answer,
                Text(connections, "0"),
                way,
                Text(Median(all.Select(load => load.PerSecond)), "0"),
                Text(Ratio(way, "nginx", load => load.PerSecond), "0.00"),
                Text(Median(all.Select(load => load.Micros(0.5))), "0"),
                Text(Median(all.Select(load => load.Micros(0.99))), "0"),
                way == "direct" ? "" : Text(Added(way, 0.5), "0"),
                way == "direct" ? "" : Text(Added(way, 0.99), "0"),
                cpu,
                way == "gateway"
                    ? Text(Median(all.Zip(runs["nginx"], (a, b) => a.CpuMicros(0) / b.CpuMicros(1))), "0.0")
                    : "",
                Text(Median(all.Select(load => load.CpuMicros(2))), "0.0"),
                Text(Median(all.Select(load => load.CpuMicros(3))), "0.0"),
            };
            Console.WriteLine($"| {string.Join(" | ", cells)} |");
        }

        double Ratio(string a, string b, Func<Load, double> what) =>
            Median(runs[a].Zip(runs[b], (x, y) => what(x) / what(y)));

        double Added(string way, double share) =>
            Median(runs[way].Zip(runs["direct"], (x, y) => x.Micros(share) - y.Micros(share)));
    }

    internal static double Median(IEnumerable<double> numbers)
    {
        var sorted = numbers.Order().ToArray();
        return sorted[sorted.Length / 2];
    }

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    private static string Text(double number, string format) => number.ToString(format, CultureInfo.InvariantCulture);
}
