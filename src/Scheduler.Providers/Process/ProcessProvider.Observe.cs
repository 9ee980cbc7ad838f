using System.Collections.Immutable;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Providers;
using Scheduler.Providers.Gpus;

namespace Scheduler.Providers.Process;

internal sealed partial class ProcessProvider
{
    /// <summary>Current state of a child; null if no child was ever started for the record.</summary>
    private async Task<Allocation?> ObserveAsync(ProcessRecord record, CancellationToken cancellationToken)
    {
        if (_client.ChildOf(record) is not { } child)
        {
            if (_client.IsFromEarlierBoot(record))
            {
                return Ended(record);
            }

            return NeverStarted(record) ? null : Show(record, AllocationStatus.Booting);
        }

        // Checks the process before the exit file: a process that has exited writes nothing more.
        var isAlive = ProcessClient.IsAlive(child);
        if (!isAlive || _store.ReadText(record.Key, "exit") is not null)
        {
            return Ended(record);
        }

        ProcessOutput.Bound(_store.FileOf(record.Key, "output.log"), _options.MaxOutputBytes);
        var address = new Uri(EndpointOf(record), record.HealthPath);
        var health = await _probe.CheckAsync(
            record.Key,
            address,
            ProcessClient.KeyOf(record, child),
            cancellationToken
        );
        if (health == RuntimeHealth.Healthy)
        {
            MarkReady(record.Key);
            return Show(record, AllocationStatus.Ready);
        }

        if (_store.MarkedAt(record.Key, "ready") is null)
        {
            return Show(record, AllocationStatus.Booting);
        }

        return Show(record, health == RuntimeHealth.Unhealthy ? AllocationStatus.Unhealthy : AllocationStatus.Ready);
    }

    private Uri EndpointOf(ProcessRecord record) => new UriBuilder(Uri.UriSchemeHttp, _options.Host, record.Port).Uri;

    private void MarkReady(string key)
    {
        if (_store.MarkedAt(key, "ready") is not null)
        {
            return;
        }

        using var held = _store.Hold();
        if (_store.Find(key) is not null)
        {
            _store.MarkOnce(key, "ready", _clock.GetUtcNow());
        }
    }

    private Allocation Ended(ProcessRecord record)
    {
        var exit = ProcessFailures.ExitOf(
            _store.ReadText(record.Key, "exit"),
            ProcessOutput.Tail(_store.FileOf(record.Key, "output.log"))
        );
        return Show(record, AllocationStatus.Exited) with { Exit = exit };
    }

    private Allocation Show(ProcessRecord record, AllocationStatus status) =>
        new()
        {
            Key = new AllocationKey(record.Key),
            Tag = new AllocationTag(record.Cluster, new InstanceId(record.Instance)),
            ProviderAllocationId = $"{_options.Id}/{record.Key}",
            Status = status,
            CreatedAt = record.CreatedAt,
            Endpoint = status is AllocationStatus.Ready or AllocationStatus.Unhealthy ? EndpointOf(record) : null,
            Tokenizer = record.Tokenizer,
        };

    private Allocation Stray(string key, string cluster, string instance) =>
        new()
        {
            Key = new AllocationKey(key),
            Tag = new AllocationTag(cluster, new InstanceId(instance)),
            ProviderAllocationId = $"{_options.Id}/{key}",
            Status = AllocationStatus.Unhealthy,
        };

    private static bool IsTooOldToStart(ProcessRecord record, DateTimeOffset now) =>
        now - record.CreatedAt >= StartWithin;

    /// <summary>
    /// Whether the scheduler crashed between writing the record and starting the child: there is no <c>stat</c> file
    /// and no running process, and the time for the start has passed.
    /// </summary>
    private bool NeverStarted(ProcessRecord record) =>
        !_client.IsFromEarlierBoot(record)
        && _client.ChildOf(record) is null
        && IsTooOldToStart(record, _clock.GetUtcNow())
        && _client.MembersOf(record.Key, null).Count == 0;

    private TakenView Taken()
    {
        var live = ProcessClient.LiveSessions();
        var gpus = new HashSet<string>(StringComparer.Ordinal);
        var ports = new HashSet<int>();
        var cpu = 0;
        foreach (var record in _store.All())
        {
            var child = _client.ChildOf(record);
            var isTaking = child is { } known
                ? live.Contains(known.Id)
                : !_client.IsFromEarlierBoot(record) && !NeverStarted(record);
            if (isTaking)
            {
                gpus.UnionWith(record.Gpus);
                ports.Add(record.Port);
                cpu += record.IsCpu ? 1 : 0;
            }
        }

        return new TakenView(gpus, ports, cpu);
    }

    private async Task<HostView> HostAsync(CancellationToken cancellationToken)
    {
        var reading = await _gpus.ListAsync(cancellationToken);
        var taken = Taken();
        var skipped = new SortedDictionary<string, int>(StringComparer.Ordinal);
        var slots = ImmutableArray.CreateBuilder<HostSlot>();
        foreach (var fault in reading.Faults)
        {
            Skip(fault.WireName());
        }

        foreach (var gpu in reading.Gpus)
        {
            var isTaken = taken.Gpus.Contains(gpu.Uuid);
            if (TypeOf(gpu) is not { } type)
            {
                Skip(gpu.IsSlice ? "unknown_slice" : "unknown_gpu");
            }
            else if (!isTaken && gpu.FreeMib < gpu.TotalMib * _options.MinFreeMemory)
            {
                Skip("in_use");
            }
            else
            {
                slots.Add(new HostSlot(gpu, type, isTaken));
            }
        }

        return new HostView(
            slots.ToImmutable(),
            taken.Cpu,
            skipped.ToImmutableSortedDictionary(StringComparer.Ordinal)
        );

        void Skip(string reason) => skipped[reason] = skipped.GetValueOrDefault(reason) + 1;
    }

    private string? TypeOf(HostGpu gpu) =>
        _options.GpuTypes.TryGetValue(gpu.Name, out var configured)
            ? configured
            : ProcessMapping.TypeOf(gpu, _resolver);

    private sealed record TakenView(HashSet<string> Gpus, HashSet<int> Ports, int Cpu);

    private sealed record HostView(
        ImmutableArray<HostSlot> Slots,
        int CpuTaken,
        ImmutableSortedDictionary<string, int> Skipped
    );
}
