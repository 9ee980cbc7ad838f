using Scheduler.Benchmarks;
using Scheduler.Benchmarks.Gateway;
using Scheduler.Benchmarks.Profiling;
using Scheduler.TestKit;

SchedulerProcess.Optimizes = true;

// One command per benchmark: dotnet run -c Release --project tests/Scheduler.Benchmarks -- FIGURE
switch (args.FirstOrDefault())
{
    case "placement":
        PlacementFigures.Run(args[1..]);
        return 0;
    case "storage":
        await StorageFigures.RunAsync(args[1..]);
        return 0;
    case "postgresql":
        await PostgreSqlFigures.RunAsync(args[1..]);
        return 0;
    case "fleet":
        await FleetFigures.RunAsync(args[1..]);
        return 0;
    case "recovery":
        await RecoveryFigures.RunAsync(args[1..]);
        return 0;
    case "reroute":
        await RerouteFigures.RunAsync(args[1..]);
        return 0;
    case "launches":
        await LaunchFigures.RunAsync(args[1..]);
        return 0;
    case "gateway":
        await GatewayFigures.RunAsync(args[1..]);
        return 0;
    case "affinity":
        AffinityFigures.Run(args[1..]);
        return 0;
    case "spot":
        SpotFigures.Run(args[1..]);
        return 0;
    case "requests":
        await RequestLogFigures.RunAsync();
        return 0;
    case "stub-runtime":
        // Not a benchmark: the gateway benchmark starts this process.
        await StubRuntime.RunAsync(args[1..]);
        return 0;
    case "pages":
        await PageFigures.RunAsync(args[1..]);
        return 0;
    case "start":
        await StartFigures.RunAsync(args[1..]);
        return 0;
    case "profile":
        await ProfileFigures.RunAsync(args[1..]);
        return 0;
    case "guard":
        return await LaunchGuard.RunAsync();
    default:
        await Console.Error.WriteLineAsync(
            "usage: placement | vram | storage | postgresql | fleet | launches | recovery | reroute | gateway | affinity | spot | requests | pages | start | profile | guard"
        );
        return 2;
}
