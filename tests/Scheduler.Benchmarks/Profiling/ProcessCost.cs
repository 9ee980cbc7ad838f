using System.Globalization;
using System.Text.RegularExpressions;

namespace Scheduler.Benchmarks.Profiling;

/// <summary>
/// What a scheduler process has used so far: CPU time of its threads by name from <c>/proc</c>, and the counters of its
/// page <c>/metrics</c>. The difference of two readings is the cost of what happened in between.
/// </summary>
internal sealed partial class ProcessCost
{
    /// <summary>Seconds of one tick of <c>/proc/PID/stat</c>: 100 ticks a second on every Linux of today.</summary>
    private const double Tick = 0.01;

    private readonly Dictionary<string, double> _threads;
    private readonly Dictionary<string, double> _counters;

    private ProcessCost(Dictionary<string, double> threads, Dictionary<string, double> counters) =>
        (_threads, _counters) = (threads, counters);

    /// <summary>CPU seconds of the whole process, with threads that have ended.</summary>
    public double Cpu { get; private init; }

    public static async Task<ProcessCost> ReadAsync(int id, Uri http)
    {
        using var client = new HttpClient();
        var page = await client.GetStringAsync(new Uri(http, "metrics"));
        var counters = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (var line in page.Split('\n').Where(line => line.Length > 0 && line[0] != '#'))
        {
            var space = line.IndexOf(' ', line.LastIndexOf('}') + 1);
            var name = Scope().Replace(line[..space], "");
            counters[name] = double.Parse(line.AsSpan(space), NumberStyles.Float, CultureInfo.InvariantCulture);
        }

        var threads = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (var task in Directory.EnumerateDirectories($"/proc/{id}/task"))
        {
            if (TryRead(task) is var (name, seconds))
            {
                threads[name] = threads.GetValueOrDefault(name) + seconds;
            }
        }

        return new ProcessCost(threads, counters) { Cpu = TryRead($"/proc/{id}")!.Value.Seconds };
    }

    /// <summary>The reading of a process that has not started.</summary>
    public static ProcessCost Nothing { get; } = new([], []);

    /// <summary>CPU seconds since an earlier reading, by the name of the thread, the largest first.</summary>
    public IEnumerable<(string Thread, double Seconds)> ThreadsSince(ProcessCost before) =>
        _threads
            .Select(thread => (thread.Key, thread.Value - before._threads.GetValueOrDefault(thread.Key)))
            .Where(thread => thread.Item2 > 0)
            .OrderByDescending(thread => thread.Item2);

    /// <summary>Growth of a counter since an earlier reading, summed over its labels.</summary>
    /// <param name="labels">Parts of the labels that a series must have.</param>
    public double Since(ProcessCost before, string counter, params ReadOnlySpan<string> labels)
    {
        var sum = 0.0;
        foreach (var (name, value) in _counters)
        {
            if (name == counter || name.StartsWith(counter + "{", StringComparison.Ordinal))
            {
                var isCounted = true;
                foreach (var label in labels)
                {
                    isCounted &= name.Contains(label, StringComparison.Ordinal);
                }

                sum += isCounted ? value - before._counters.GetValueOrDefault(name) : 0;
            }
        }

        return sum;
    }

    /// <summary>The values that a label has.</summary>
    public IEnumerable<string> Values(string counter, string label) =>
        _counters
            .Keys.Where(name => name.StartsWith(counter + "{", StringComparison.Ordinal))
            .Select(name => Regex.Match(name, $"[{{,]{label}=\"([^\"]*)\"").Groups[1].Value)
            .Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal);

    /// <summary>Name and CPU seconds of a process or thread; null when it has ended.</summary>
    private static (string Name, double Seconds)? TryRead(string folder)
    {
        string stat;
        try
        {
            stat = File.ReadAllText($"{folder}/stat");
        }
        catch (IOException)
        {
            return null;
        }

        // The name is in parentheses and may contain spaces. User and system time are the fields 14 and 15.
        var name = stat[(stat.IndexOf('(') + 1)..stat.LastIndexOf(')')].Trim();
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        var ticks = fields[11..13].Sum(field => long.Parse(field, CultureInfo.InvariantCulture));
        return (name, ticks * Tick);
    }

    [GeneratedRegex("""otel_scope_name="[^"]*",?""")]
    private static partial Regex Scope();
}
