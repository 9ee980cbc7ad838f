using System.Globalization;
using Scheduler.Benchmarks.Gateway;
using Scheduler.TestKit;

namespace Scheduler.Benchmarks.Profiling;

/// <summary>
/// Where the cost of a launch, a gateway request or a start goes: CPU by thread, layer and method, allocation by type,
/// grain calls and durable writes. Costs are measured without the profiler; a second load runs under it for the shares.
/// </summary>
public static class ProfileFigures
{
    private const int Lines = 25;
    private const string Allocated = "dotnet_gc_heap_total_allocated_bytes_total";
    private const string Grains = "orleans_app_requests_latency_milliseconds_count";
    private const string Storage = "scheduler_storage_duration_seconds_count";

    /// <param name="args">
    /// <c>launches</c> or <c>launches brief</c>, <c>gateway</c>, or <c>start</c>; then [operations] [a scheduler.dll].
    /// <c>brief</c> prints the costs only.
    /// </param>
    public static Task RunAsync(string[] args)
    {
        ArgumentNullException.ThrowIfNull(args);
        var isBrief = args.Length > 1 && args[1] == "brief";
        var rest = args.Skip(isBrief ? 2 : 1).ToList();
        var count = rest.Count > 0 ? int.Parse(rest[0], CultureInfo.InvariantCulture) : (int?)null;
        var program = rest.Count > 1 ? Path.GetFullPath(rest[1]) : null;
        return args.FirstOrDefault() switch
        {
            "launches" => LaunchesAsync(count ?? 2000, program, isBrief),
            "gateway" => GatewayAsync(count ?? 3),
            "start" => StartAsync(program),
            _ => throw new ArgumentException("profile launches [brief] | gateway | start", nameof(args)),
        };
    }

    /// <summary>A scheduler of this build or of another one.</summary>
    internal static SchedulerProcess Scheduler(string? program, IReadOnlyDictionary<string, string>? environment = null)
    {
        var variables = environment ?? new Dictionary<string, string>();
        return program is null
            ? new SchedulerProcess(null, SchedulerProcess.ZeroDelay) { Environment = variables }
            : new SchedulerProcess(null, SchedulerProcess.ZeroDelay) { Environment = variables, Program = program };
    }

    /// <summary>The cost of launches on 100 accounts, after as many others.</summary>
    internal static async Task<LaunchCost> LaunchCostAsync(int launches)
    {
        await using var scheduler = Scheduler(null);
        await scheduler.StartAsync();
        var (_, before, after, _) = await LoadAsync(scheduler, launches);
        return new LaunchCost(
            (after.Cpu - before.Cpu) / launches * 1000,
            after.Since(before, Allocated) / launches / 1024,
            after.Since(before, Grains) / launches,
            after.Since(before, Storage, "operation=\"write\"") / launches
        );
    }

    private static async Task LaunchesAsync(int launches, string? program, bool isBrief)
    {
        await using var scheduler = Scheduler(program);
        await scheduler.StartAsync();
        var (names, before, after, rate) = await LoadAsync(scheduler, launches);
        PrintCosts("launch", launches, before, after);
        Print($"{rate:0} launches/s");
        if (!isBrief)
        {
            PrintShares(
                await ManagedProfile.RecordAsync(
                    scheduler.Id,
                    () => LaunchFigures.LaunchAsync(scheduler.Calls, names, launches)
                )
            );
        }
    }

    private static async Task<(string[] Accounts, ProcessCost Before, ProcessCost After, double Rate)> LoadAsync(
        SchedulerProcess scheduler,
        int launches
    )
    {
        var names = await LaunchFigures.AccountsAsync(scheduler.Calls, 100);
        await LaunchFigures.LaunchAsync(scheduler.Calls, names, launches);
        var before = await ProcessCost.ReadAsync(scheduler.Id, scheduler.Http);
        var (rate, _) = await LaunchFigures.LaunchAsync(scheduler.Calls, names, launches);
        return (names, before, await ProcessCost.ReadAsync(scheduler.Id, scheduler.Http), rate);
    }

    private static async Task GatewayAsync(double seconds)
    {
        Environment.SetEnvironmentVariable(LoadDriver.Inline, "1");
        await using var scene = await GatewayScene.StartAsync();
        var http = new UriBuilder("http", scene.Gateway.Address.ToString(), scene.Gateway.Port).Uri;
        var request = LoadDriver.Chat(await scene.NewKeyAsync(), "");
        Task<Load> LoadAsync() =>
            new LoadDriver(scene.Gateway, request, 0).RunAsync(32, 0.1, seconds, () => [TimeSpan.Zero]);
        await LoadAsync();
        await LoadAsync();
        var before = await ProcessCost.ReadAsync(scene.GatewayId, http);
        var load = await LoadAsync();
        PrintCosts("request", load.Took.Count, before, await ProcessCost.ReadAsync(scene.GatewayId, http));
        PrintShares(await ManagedProfile.RecordAsync(scene.GatewayId, LoadAsync));
    }

    private static async Task StartAsync(string? program)
    {
        await using (var plain = Scheduler(program))
        {
            await plain.StartAsync();
            Print($"ready after {plain.TookToListen.TotalSeconds:0.00} s, {plain.Cpu.TotalSeconds:0.00} s CPU");
            var cost = await ProcessCost.ReadAsync(plain.Id, plain.Http);
            var nothing = ProcessCost.Nothing;
            PrintCosts("start", 1, nothing, cost);
            Print(
                $"compiled {cost.Since(nothing, "dotnet_jit_compiled_methods_total"):0} methods, {cost.Since(nothing, "dotnet_assembly_count"):0} assemblies"
            );
        }

        var file = Path.Combine(Directory.CreateTempSubdirectory("scheduler-profile-").FullName, "start.nettrace");
        await using (var recorded = Scheduler(program, ManagedProfile.FromStart(file)))
        {
            await recorded.StartAsync();
            await recorded.StopAsync();
        }

        PrintShares(ManagedProfile.Read(file));
    }

    private static void PrintCosts(string operation, int count, ProcessCost before, ProcessCost after)
    {
        double Each(string counter, params string[] labels) => after.Since(before, counter, labels) / count;
        Print($"{count} of: {operation}");
        Print($"{(after.Cpu - before.Cpu) / count * 1000, 9:0.000} ms CPU each");
        Print($"{Each(Allocated) / 1024, 9:0.0} KiB allocated each");
        Print($"{Each("dotnet_jit_compilation_time_seconds_total") * 1000, 9:0.000} ms of JIT compiler each");
        Print($"{Each("dotnet_gc_pause_time_seconds_total") * 1000, 9:0.000} ms of GC pauses each");
        Print($"{Each(Grains), 9:0.00} grain calls each");
        foreach (var what in after.Values(Storage, "operation"))
        {
            var kinds = after
                .Values(Storage, "kind")
                .Select(kind => (kind, each: Each(Storage, $"operation=\"{what}\"", $"kind=\"{kind}\"")))
                .Where(kind => kind.each >= 0.005)
                .Select(kind => string.Create(CultureInfo.InvariantCulture, $"{kind.kind} {kind.each:0.00}"));
            Print($"{Each(Storage, $"operation=\"{what}\""), 9:0.00} storage {what}s each: {string.Join(", ", kinds)}");
        }

        Print($"{Each("scheduler_storage_commits_total"), 9:0.00} commits each");
        Print($"\n{"ms CPU each", 12}  thread");
        foreach (var (thread, seconds) in after.ThreadsSince(before).Take(10))
        {
            Print($"{seconds / count * 1000, 12:0.000}  {thread}");
        }
    }

    private static void PrintShares(ManagedProfile profile)
    {
        PrintShares("CPU of managed code and SQLite by layer", profile.ByLayer);
        PrintShares("by method", profile.ByMethod);
        PrintShares("methods of the scheduler with what they call", profile.WithCallees);
        PrintShares("allocated by type", profile.ByType);
    }

    private static void PrintShares(string title, IEnumerable<(string Name, double Share)> shares)
    {
        Print($"\n{title}");
        foreach (var (name, share) in shares.Take(Lines))
        {
            Print($"{share * 100, 6:0.0} %  {name}");
        }
    }

    private static void Print(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
