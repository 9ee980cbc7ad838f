using System.Collections.Concurrent;

namespace Scheduler.VendorServers.Kubernetes;

/// <summary>Output of containers, by the uid of their pods.</summary>
internal sealed class PodLogs
{
    private readonly ConcurrentDictionary<string, string> _lines = new(StringComparer.Ordinal);

    internal void Write(string uid, string text) => _lines.AddOrUpdate(uid, text, (_, before) => before + text);

    internal string Tail(string uid, int? lines)
    {
        var all = _lines.GetValueOrDefault(uid, "");
        if (lines is not { } most)
        {
            return all;
        }

        var split = all.Split('\n');
        return split.Length - 1 <= most ? all : string.Join('\n', split[^(most + 1)..]);
    }
}
