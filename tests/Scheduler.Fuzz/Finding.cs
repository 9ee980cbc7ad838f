using System.Collections.Concurrent;
using System.Diagnostics;

namespace Scheduler.Fuzz;

/// <param name="Key">Equal for findings with the same cause: the exception and the frame of ours that threw it.</param>
internal sealed record Finding(string Target, string Key, byte[] Input, string Report);

/// <summary>The findings of a run, by cause. Keeps the shortest input of each cause.</summary>
internal sealed class Findings
{
    private readonly ConcurrentDictionary<string, Finding> _byKey = new(StringComparer.Ordinal);
    private long _count;

    public long Count => Volatile.Read(ref _count);

    public IReadOnlyCollection<Finding> All => [.. _byKey.Values.OrderBy(found => found.Key, StringComparer.Ordinal)];

    public void Add(Finding finding)
    {
        Interlocked.Increment(ref _count);
        _byKey.AddOrUpdate(
            finding.Key,
            finding,
            (_, known) => finding.Input.Length < known.Input.Length ? finding : known
        );
    }

    public bool IsKnown(string key, int length) =>
        _byKey.TryGetValue(key, out var known) && known.Input.Length <= length;

    /// <summary>Counts one more finding of a known cause.</summary>
    public void Repeat() => Interlocked.Increment(ref _count);

    public static string KeyOf(Exception e)
    {
        if (e is BrokenPromiseException)
        {
            return $"promise: {e.Message.Split(':')[0]}";
        }

        var frames = new StackTrace(e).GetFrames();
        var ours = frames
            .Select(frame => frame.GetMethod())
            .FirstOrDefault(method =>
                method?.DeclaringType?.FullName is { } type
                && type.StartsWith("Scheduler.", StringComparison.Ordinal)
                && !type.StartsWith("Scheduler.Fuzz.", StringComparison.Ordinal)
            );
        return $"{e.GetType().Name} in {ours?.DeclaringType?.Name}.{ours?.Name}";
    }

    /// <summary>Writes an input and a report for each cause; returns the paths.</summary>
    public IReadOnlyList<string> Write(string folder)
    {
        var paths = new List<string>();
        foreach (var finding in All)
        {
            Directory.CreateDirectory(folder);
            var name = new string([.. finding.Key.Select(letter => char.IsAsciiLetterOrDigit(letter) ? letter : '-')]);
            var path = Path.Combine(folder, $"{finding.Target}-{name[..Math.Min(80, name.Length)]}");
            File.WriteAllBytes(path + ".bin", finding.Input);
            File.WriteAllText(path + ".txt", finding.Report);
            paths.Add(path + ".bin");
        }

        return paths;
    }
}
