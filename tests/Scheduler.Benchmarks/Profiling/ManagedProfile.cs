using System.Diagnostics.Tracing;
using Microsoft.Diagnostics.NETCore.Client;
using Microsoft.Diagnostics.Tracing.Etlx;
using Microsoft.Diagnostics.Tracing.Parsers;

namespace Scheduler.Benchmarks.Profiling;

/// <summary>
/// Stacks of managed threads at a sample a millisecond, and allocations at one a 100 KiB, of another process over
/// EventPipe. Only threads that run managed code or SQLite count, because the sampler also sees those that wait.
/// </summary>
internal sealed class ManagedProfile
{
    private const string Sampler = "Microsoft-DotNETCore-SampleProfiler";
    private const string Runtime = "Microsoft-Windows-DotNETRuntime";

    /// <summary>The sampler's word for a thread that runs managed code.</summary>
    private const int Managed = 2;

    private const int BufferMiB = 512;

    private readonly Dictionary<string, double> _layers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, double> _methods = new(StringComparer.Ordinal);
    private readonly Dictionary<string, double> _inclusive = new(StringComparer.Ordinal);
    private readonly Dictionary<string, double> _allocated = new(StringComparer.Ordinal);

    /// <summary>Settings with which a process records itself from its start into a file.</summary>
    public static Dictionary<string, string> FromStart(string file) =>
        new()
        {
            ["DOTNET_EnableEventPipe"] = "1",
            ["DOTNET_EventPipeOutputPath"] = file,
            ["DOTNET_EventPipeCircularMB"] = "512",
            ["DOTNET_EventPipeConfig"] = $"{Sampler}:0:5,{Runtime}:{(long)Keywords:x}:5",
        };

    private static ClrTraceEventParser.Keywords Keywords =>
        ClrTraceEventParser.Keywords.GC | ClrTraceEventParser.Keywords.Jit | ClrTraceEventParser.Keywords.Loader;

    /// <summary>Samples of each layer as a share of all, the largest first.</summary>
    public IEnumerable<(string Name, double Share)> ByLayer => Shares(_layers);

    /// <summary>Samples in which the method is the innermost managed one.</summary>
    public IEnumerable<(string Name, double Share)> ByMethod => Shares(_methods);

    /// <summary>Samples in which a method of the scheduler is anywhere on the stack; a stack counts for each of its methods.</summary>
    public IEnumerable<(string Name, double Share)> WithCallees => Shares(_inclusive, _layers.Values.Sum());

    /// <summary>Allocated bytes of each type as a share of all.</summary>
    public IEnumerable<(string Name, double Share)> ByType => Shares(_allocated);

    /// <summary>Records a process while the work runs.</summary>
    public static async Task<ManagedProfile> RecordAsync(int process, Func<Task> work)
    {
        var file = Path.Combine(Directory.CreateTempSubdirectory("scheduler-profile-").FullName, "profile.nettrace");
        var client = new DiagnosticsClient(process);
        EventPipeProvider[] providers =
        [
            new(Sampler, EventLevel.Informational),
            new(Runtime, EventLevel.Verbose, (long)ClrTraceEventParser.Keywords.GC),
        ];
        using (
            var session = await client.StartEventPipeSessionAsync(providers, true, BufferMiB, CancellationToken.None)
        )
        {
            await using var target = File.Create(file);
            var copied = session.EventStream.CopyToAsync(target);
            await work();
            await session.StopAsync(CancellationToken.None);
            await copied;
        }

        return Read(file);
    }

    /// <summary>Reads a recorded file and deletes its folder.</summary>
    public static ManagedProfile Read(string file)
    {
        var profile = new ManagedProfile();
        using (var log = new TraceLog(TraceLog.CreateFromEventPipeDataFile(file)))
        {
            using var source = log.Events.GetSource();
            var samples = new Microsoft.Diagnostics.Tracing.EventPipe.SampleProfilerTraceEventParser(source);
            samples.ThreadSample += sample => profile.Add((int)sample.Type == Managed, sample.CallStack());
            source.Clr.GCAllocationTick += tick =>
                profile._allocated[tick.TypeName] =
                    profile._allocated.GetValueOrDefault(tick.TypeName) + tick.AllocationAmount64;
            source.Process();
        }

        Directory.Delete(Path.GetDirectoryName(file)!, recursive: true);
        return profile;
    }

    private void Add(bool isManaged, TraceCallStack? stack)
    {
        List<string> frames = [];
        for (var frame = stack; frame is not null; frame = frame.Caller)
        {
            if (frame.CodeAddress.FullMethodName is { Length: > 0 } name)
            {
                frames.Add(name);
            }
        }

        if (frames.Count == 0 || !(isManaged || frames[0].StartsWith("SQLitePCL", StringComparison.Ordinal)))
        {
            return;
        }

        var layer = Layers.Of(frames);
        if (layer == Layers.Other && frames[0].StartsWith("System.Threading.", StringComparison.Ordinal))
        {
            // Between two waits: a thread of the pool or of a timer that nobody has given work.
            return;
        }

        Count(_layers, layer);
        Count(_methods, WithoutParameters(frames[0]));
        foreach (var ours in frames.Where(IsOurs).Select(WithoutParameters).Distinct(StringComparer.Ordinal))
        {
            Count(_inclusive, ours);
        }
    }

    private static bool IsOurs(string frame) => frame.StartsWith("Scheduler.", StringComparison.Ordinal);

    private static string WithoutParameters(string method) =>
        method.IndexOf('(') is > 0 and var at ? method[..at] : method;

    private static void Count(Dictionary<string, double> counts, string key) =>
        counts[key] = counts.GetValueOrDefault(key) + 1;

    private static IEnumerable<(string Name, double Share)> Shares(
        Dictionary<string, double> counts,
        double? total = null
    )
    {
        var sum = total ?? counts.Values.Sum();
        return counts.OrderByDescending(count => count.Value).Select(count => (count.Key, count.Value / sum));
    }
}
