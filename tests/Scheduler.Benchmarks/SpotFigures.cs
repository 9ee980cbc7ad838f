using System.Globalization;
using Scheduler.Domain.Services;
using Scheduler.TestKit.Spot;

namespace Scheduler.Benchmarks;

/// <summary>
/// Replays spot traces with the plan of services and with the list order. <c>spot</c> generates traces; <c>spot FILE</c> reads one;
/// <c>spot write SEED FILE</c> writes a generated one.
/// </summary>
internal static class SpotFigures
{
    private const int Seeds = 20;

    /// <summary>That of a route after a failed launch.</summary>
    private static readonly TimeSpan CoolDown = TimeSpan.FromMinutes(30);

    public static void Run(string[] args)
    {
        if (args is ["write", var seed, var file])
        {
            using var text = new StreamWriter(file);
            SpotTraceGenerator.Generate(int.Parse(seed, CultureInfo.InvariantCulture)).Write(text);
            return;
        }

        var traces = args is [var path]
            ? [ReadFile(path)]
            : Enumerable.Range(1, Seeds).Select(SpotTraceGenerator.Generate).ToList();
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{traces.Count} traces, {SpotReplay.Wanted} replicas, boot {SpotReplay.Boot.TotalMinutes} min, spot at {SpotReplay.SpotPrice} of on-demand"
            )
        );
        Print("any zone up", traces, trace => trace.ShareOf(1), isMoreBetter: true);
        Print("two zones up", traces, trace => trace.ShareOf(2), isMoreBetter: true);
        Print("mean stay, h", traces, trace => trace.MeanStay().TotalHours, isMoreBetter: true);
        Print("list order", traces, trace => SpotReplay.ListOrder(trace, CoolDown));
        Print("the plan", traces, trace => SpotReplay.Plan(trace));
        Print("the plan, 1 spare", traces, trace => SpotReplay.Plan(trace, new SpotSettings { Spares = 1 }));
    }

    private static SpotTrace ReadFile(string path)
    {
        using var text = new StreamReader(path);
        return SpotTrace.Read(text);
    }

    private static void Print(string name, List<SpotTrace> traces, Func<SpotTrace, SpotResult> replay)
    {
        var found = traces.ConvertAll(trace => replay(trace));
        Print($"{name}: mean ready", found, figures => figures.Ready, isMoreBetter: true);
        Print($"{name}: all ready", found, figures => figures.AllReady, isMoreBetter: true);
        Print($"{name}: none ready", found, figures => figures.NoneReady, isMoreBetter: false);
        Print($"{name}: cost", found, figures => figures.Cost, isMoreBetter: false);
    }

    private static void Print<T>(string name, List<T> from, Func<T, double> value, bool isMoreBetter)
    {
        var sorted = from.Select(value).Order().ToList();
        var worst = isMoreBetter ? sorted[0] : sorted[^1];
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{name, -28} median {sorted[sorted.Count / 2]:0.0000}  worst {worst:0.0000}"
            )
        );
    }
}
