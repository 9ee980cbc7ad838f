using System.Globalization;
using System.Text.Json.Nodes;
using System.Threading.Channels;

namespace Scheduler.VendorServers.Docker;

/// <summary>The state of the played engine: containers, images, events. Every member takes the one lock.</summary>
internal sealed class DockerWorld(DockerQuirks quirks, TimeProvider clock) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, PlayedContainer> _containers = new(StringComparer.Ordinal);
    private readonly HashSet<string> _images = new(StringComparer.Ordinal);
    private readonly List<JsonObject> _events = [];
    private readonly List<Channel<JsonObject>> _listeners = [];
    private readonly Dictionary<string, int> _usersOfGpu = new(StringComparer.Ordinal);
    private int _lastId;

    /// <summary>Most containers that ran on one GPU at one moment; a scheduler that shares none never exceeds 1.</summary>
    internal int MostUsersOfOneGpu { get; private set; }

    internal int Created { get; private set; }

    public void Dispose()
    {
        lock (_lock)
        {
            foreach (var container in _containers.Values)
            {
                container.Runtime?.Dispose();
            }
        }
    }

    internal bool HasImage(string image)
    {
        lock (_lock)
        {
            return _images.Contains(image);
        }
    }

    internal void AddImage(string image)
    {
        lock (_lock)
        {
            _images.Add(image);
        }
    }

    internal PlayedContainer? Find(string idOrName)
    {
        lock (_lock)
        {
            var found = Find_NeedsLock(idOrName);
            if (found is { Status: "removing", LooksUntilGone: <= 0 })
            {
                Drop_NeedsLock(found);
                return null;
            }

            found?.LooksUntilGone -= 1;
            return found;
        }
    }

    internal IReadOnlyList<PlayedContainer> All()
    {
        lock (_lock)
        {
            return [.. _containers.Values.OrderByDescending(container => container.Created)];
        }
    }

    /// <returns>The new container; or the one that has the name.</returns>
    internal (PlayedContainer Container, bool IsNew) Create(string name, JsonObject body)
    {
        lock (_lock)
        {
            if (Find_NeedsLock(name) is { } taken)
            {
                return (taken, false);
            }

            _lastId++;
            Created++;
            var id = _lastId.ToString("x8", CultureInfo.InvariantCulture).PadRight(64, 'f');
            var container = new PlayedContainer(id, name, body, clock.GetUtcNow());
            _containers[id] = container;
            Tell_NeedsLock(container, "create");
            return (container, true);
        }
    }

    /// <returns>The engine's words when it cannot be started.</returns>
    internal string? Start(PlayedContainer container)
    {
        lock (_lock)
        {
            var fault =
                container.WantsGpus && quirks.HasNoNvidia
                    ? "could not select device driver \"nvidia\" with capabilities: [[gpu]]"
                : quirks.HasNoPort
                    ? "driver failed programming external connectivity on endpoint "
                        + container.Name
                        + ": Bind for 127.0.0.1 failed: port is already allocated"
                : null;
            if (fault is not null)
            {
                (container.ExitCode, container.Error) = (128, fault);
                return fault;
            }

            container.Status = "running";
            container.StartedAt = clock.GetUtcNow();
            foreach (var gpu in container.Gpus)
            {
                var users = _usersOfGpu[gpu] = _usersOfGpu.GetValueOrDefault(gpu) + 1;
                MostUsersOfOneGpu = Math.Max(MostUsersOfOneGpu, users);
            }

            Tell_NeedsLock(container, "start");
            Play_NeedsLock(container);
            return null;
        }
    }

    internal void End(PlayedContainer container, int exitCode, bool oomKilled = false)
    {
        lock (_lock)
        {
            End_NeedsLock(container, exitCode, oomKilled);
        }
    }

    internal void Remove(PlayedContainer container)
    {
        lock (_lock)
        {
            if (container.IsRunning)
            {
                End_NeedsLock(container, 137, oomKilled: false);
            }

            if (quirks.SlowRemovals > 0)
            {
                (container.Status, container.LooksUntilGone) = ("removing", quirks.SlowRemovals);
                quirks.SlowRemovals = 0;
                return;
            }

            Drop_NeedsLock(container);
        }
    }

    /// <summary>The events since a moment, and those to come.</summary>
    internal (IReadOnlyList<JsonObject> Past, Channel<JsonObject> Next) Listen(long sinceSeconds)
    {
        lock (_lock)
        {
            var next = Channel.CreateUnbounded<JsonObject>();
            _listeners.Add(next);
            return ([.. _events.Where(happened => happened["time"]!.GetValue<long>() >= sinceSeconds)], next);
        }
    }

    internal void Leave(Channel<JsonObject> listener)
    {
        lock (_lock)
        {
            _listeners.Remove(listener);
        }
    }

    private PlayedContainer? Find_NeedsLock(string idOrName) =>
        _containers.GetValueOrDefault(idOrName)
        ?? _containers.Values.FirstOrDefault(container => container.Name == idOrName.TrimStart('/'));

    private void Drop_NeedsLock(PlayedContainer container)
    {
        if (_containers.Remove(container.Id))
        {
            Tell_NeedsLock(container, "destroy");
        }
    }

    private void End_NeedsLock(PlayedContainer container, int exitCode, bool oomKilled)
    {
        if (!container.IsRunning)
        {
            return;
        }

        container.Runtime?.Dispose();
        container.Runtime = null;
        (container.Status, container.ExitCode, container.OomKilled) = ("exited", exitCode, oomKilled);
        container.FinishedAt = clock.GetUtcNow();
        foreach (var gpu in container.Gpus)
        {
            _usersOfGpu[gpu]--;
        }

        Tell_NeedsLock(container, "die");
        container.Ended.TrySetResult(exitCode);
    }

    private void Play_NeedsLock(PlayedContainer container)
    {
        void Print(byte stream, string line) => container.Output.Add((stream, line + "\n"));
        Print(1, $"starting mode {container.Mode}");
        Print(2, "loading weights, 重み");
        switch (container.Mode)
        {
            case "serves":
                container.Runtime = new PlayedRuntime();
                Print(1, "ready");
                break;
            case "never-ready":
                break;
            case "oom-at-load":
                Print(
                    2,
                    "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 23.69 GiB of which 1.5 GiB is free."
                );
                End_NeedsLock(container, 1, oomKilled: false);
                break;
            case "model-load-error":
                Print(2, "OSError: tiny does not appear to have a file named config.json.");
                End_NeedsLock(container, 1, oomKilled: false);
                break;
            case "hog":
                End_NeedsLock(container, 137, oomKilled: true);
                break;
            case "nvidia-smi":
                container.Output.Clear();
                container.Output.Add((1, quirks.NvidiaSmi));
                End_NeedsLock(container, quirks.NvidiaSmi.Length > 0 ? 0 : 9, oomKilled: false);
                break;
            default:
                Print(2, "bye");
                End_NeedsLock(container, 3, oomKilled: false);
                break;
        }
    }

    private void Tell_NeedsLock(PlayedContainer container, string action)
    {
        var now = clock.GetUtcNow();
        var attributes = new JsonObject { ["image"] = container.Image, ["name"] = container.Name };
        foreach (var (name, value) in container.Labels)
        {
            attributes[name] = value;
        }

        var happened = new JsonObject
        {
            ["Type"] = "container",
            ["Action"] = action,
            ["Actor"] = new JsonObject { ["ID"] = container.Id, ["Attributes"] = attributes },
            ["time"] = now.ToUnixTimeSeconds(),
            ["timeNano"] = (now - DateTimeOffset.UnixEpoch).Ticks * TimeSpan.NanosecondsPerTick,
        };
        _events.Add(happened);
        foreach (var listener in _listeners)
        {
            listener.Writer.TryWrite(happened);
        }
    }
}
