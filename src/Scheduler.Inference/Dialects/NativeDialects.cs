using System.Collections.Concurrent;
using Scheduler.Domain.Ids;
using Scheduler.Inference.Gateway;
using Scheduler.Inference.Serving;

namespace Scheduler.Inference.Dialects;

/// <summary>
/// Which runtimes speak a dialect themselves. Releases of the engines differ, so this is learned from their answers: the
/// first request of each run tries, and a status that says "no such path" is remembered for the run.
/// </summary>
internal sealed class NativeDialects
{
    /// <summary>Most runs that are remembered; beyond it all are tried again.</summary>
    private const int Most = 10_000;

    private readonly ConcurrentDictionary<(InstanceId Id, int Run, RequestKind Kind), bool> _lacking = new();

    /// <summary>Whether a runtime may speak the dialect, as far as known.</summary>
    public bool MaySpeak(ServedInstance instance, RequestKind kind) =>
        !_lacking.ContainsKey((instance.Id, instance.Run, kind));

    /// <summary>Remembers that the runtime has no such path.</summary>
    public void Lacks(ServedInstance instance, RequestKind kind)
    {
        if (_lacking.Count >= Most)
        {
            _lacking.Clear();
        }

        _lacking[(instance.Id, instance.Run, kind)] = true;
    }
}
