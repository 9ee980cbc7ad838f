using System.Collections.Concurrent;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Providers;

namespace Scheduler.Providers.Docker;

internal sealed partial class DockerProvider
{
    /// <summary>Lines of a log that are read; an excerpt of them is kept.</summary>
    private const int OutputLinesRead = 4000;

    /// <summary>One release call waits at most this long before it returns pending.</summary>
    private static readonly TimeSpan ReleaseWait = TimeSpan.FromSeconds(1.5);

    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(50);

    private readonly ConcurrentDictionary<string, byte> _wasReady = new(StringComparer.Ordinal);

    public async Task<ReleaseOutcome> ReleaseAsync(AllocationKey key, CancellationToken cancellationToken)
    {
        if (!DockerMapping.IsUsable(key))
        {
            return ReleaseOutcome.Released;
        }

        await _tombstones.BarAsync(key, cancellationToken);
        var startedAt = _clock.GetUtcNow();
        while (true)
        {
            var container = await _api.InspectAsync(DockerMapping.NameOf(key), cancellationToken);
            if (container is null || DockerLabels.Read(container.Config.Labels)?.Key != key)
            {
                Forget(key);
                await _tombstones.CloseAsync(key, cancellationToken);
                return ReleaseOutcome.Released;
            }

            await EndAsync(key, container, cancellationToken);
            if (_clock.GetUtcNow() - startedAt >= ReleaseWait)
            {
                return ReleaseOutcome.Pending;
            }

            await _clock.Delay(PollInterval, cancellationToken);
        }
    }

    /// <summary>Signals a container once, and removes it when it has ended or its grace is over.</summary>
    private async Task EndAsync(AllocationKey key, InspectedContainer container, CancellationToken cancellationToken)
    {
        if (!container.State.IsAlive)
        {
            await _api.RemoveAsync(container.Id, force: true, cancellationToken);
            return;
        }

        var now = _clock.GetUtcNow();
        if (_stopping.TryAdd(key.Value, (now, container.Id)))
        {
            var signal = container.Config.StopSignal is { Length: > 0 } own ? own : "SIGTERM";
            await _api.SignalAsync(container.Id, signal, cancellationToken);
        }
        else if (now - _stopping[key.Value].Since >= _options.StopGrace)
        {
            await _api.RemoveAsync(container.Id, force: true, cancellationToken);
        }
    }

    private async Task<Allocation> ObserveAsync(
        InspectedContainer container,
        DockerLabels labels,
        CancellationToken cancellationToken
    )
    {
        var endpoint = DockerMapping.EndpointOf(container, labels.Port, _hostOptions);
        if (container.State.HasEnded)
        {
            var output = await _api.ReadLogsAsync(container.Id, OutputLinesRead, cancellationToken);
            return Show(AllocationStatus.Exited) with { Exit = DockerFailures.ExitOf(container.State, output) };
        }

        if (container.State.IsNew || endpoint is null)
        {
            return Show(AllocationStatus.Booting);
        }

        if (container.State.Status == "paused")
        {
            return Show(AllocationStatus.Unhealthy);
        }

        var health = await _probe.CheckAsync(
            container.Id,
            new Uri(endpoint, labels.HealthPath),
            key: null,
            cancellationToken
        );
        if (health == RuntimeHealth.Healthy)
        {
            _wasReady.TryAdd(container.Id, 0);
            return Show(AllocationStatus.Ready);
        }

        // A container of before a restart of the scheduler: its boot deadline is over, so it was healthy.
        var wasReady =
            _wasReady.ContainsKey(container.Id)
            || _clock.GetUtcNow() - container.State.StartedAt >= _options.BootsWithin;
        return Show(
            !wasReady ? AllocationStatus.Booting
            : health == RuntimeHealth.Unhealthy ? AllocationStatus.Unhealthy
            : AllocationStatus.Ready
        );

        Allocation Show(AllocationStatus status) => DockerMapping.Show(container, labels, status, endpoint, _options);
    }

    private void Forget(AllocationKey key)
    {
        if (_stopping.TryRemove(key.Value, out var stopped))
        {
            _probe.Forget(stopped.Container);
            _wasReady.TryRemove(stopped.Container, out _);
        }
    }
}
