using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;
using Scheduler.Providers.Gpus;

namespace Scheduler.Providers.Process;

/// <summary>Offers this host as a provider: an allocation is a runtime process on some of its GPUs.</summary>
/// <remarks>
/// All important state is in the state directory (<see cref="ProcessStore"/>) and in the kernel
/// (<see cref="ProcessClient"/>), not in memory. So a scheduler that was killed finds its children again. If a crash
/// led to two starts of a child, the second one detects it and exits.
/// </remarks>
internal sealed partial class ProcessProvider : IProvider, IDisposable
{
    /// <summary>
    /// From writing the record until the child must have written its <c>stat</c> file. It leaves a margin for a slow
    /// fork on a busy host.
    /// </summary>
    private static readonly TimeSpan StartWithin = TimeSpan.FromSeconds(10);

    /// <summary>One release call waits at most this long before it returns pending.</summary>
    private static readonly TimeSpan ReleaseWait = TimeSpan.FromSeconds(1.5);

    private static readonly TimeSpan StrayGrace = ReleaseWait / 2;

    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(50);

    private readonly ProcessOptions _options;
    private readonly RuntimeOptions _runtimes;
    private readonly GpuNameResolver _resolver;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly ProcessStore _store;
    private readonly ProcessIsolation _isolation;
    private readonly ProcessClient _client;
    private readonly RuntimeProbe _probe;
    private readonly HostGpus _gpus;

    internal ProcessProvider(
        ProcessOptions options,
        RuntimeOptions runtimes,
        GpuNameResolver resolver,
        IHttpClientFactory http,
        TimeProvider clock,
        ILogger<ProcessProvider> log
    )
    {
        _options = options;
        _runtimes = runtimes;
        _resolver = resolver;
        _clock = clock;
        _log = log;
        _store = new ProcessStore(options.StateDirectory, clock.GetUtcNow());
        _isolation = new ProcessIsolation(options, _store, HostAbilities.Read());
        _client = new ProcessClient(options, _store, _isolation);
        _probe = new RuntimeProbe(http, options.Probe, clock);
        _gpus = new HostGpus(options.GpuTools, options.DiscoverEvery, clock);
        var adopted = _store.All().Count;
        LogAdopted(adopted, options.StateDirectory);
        var memory = _isolation.MemoryLimit ?? "no limit";
        if (_isolation.HasOwnUsers)
        {
            var (first, last) = (_isolation.UserOf(options.FirstPort), _isolation.UserOf(options.LastPort));
            LogIsolated(first, last, memory);
        }
        else
        {
            LogNotIsolated(memory);
        }
    }

    public ProviderId Id => new(_options.Id);

    /// <summary>By default the runtimes listen on loopback.</summary>
    public bool IsReachableFromOutside => !_options.IsOnLoopback;

    public IEnumerable<RuntimePreset> Presets =>
        RuntimePresets
            .BuiltIn.Keys.Concat(_options.Presets.Keys)
            .Distinct(StringComparer.Ordinal)
            .Select(name => _options.Preset(name)!);

    public async Task<OfferListing> ListOffersAsync(CancellationToken cancellationToken)
    {
        var host = await HostAsync(cancellationToken);
        var offers = ProcessMapping.Offers(host.Slots, _options);
        if (_options.Cpu.Enabled)
        {
            offers = offers.Append(ProcessMapping.CpuOffer(_options, host.CpuTaken));
        }

        return new OfferListing([.. offers], host.Skipped);
    }

    public async Task<AllocateOutcome> AllocateAsync(AllocationRequest request, CancellationToken cancellationToken)
    {
        if (!ProcessStore.IsUsable(request.Key.Value))
        {
            return ProcessFailures.UnusableKey(request.Key.Value);
        }

        if (_options.Preset(request.Runtime.Preset) is not { } preset)
        {
            return ProcessFailures.UnknownPreset(request.Runtime.Preset, Presets.Select(known => known.Name));
        }

        if (NotPermitted(request, preset) is { } forbidden)
        {
            return ProcessFailures.BadRuntime(forbidden);
        }

        var host = await HostAsync(cancellationToken);
        if (StartOnce(request, preset, host) is { } refusal)
        {
            return refusal;
        }

        while (true)
        {
            var record = _store.Find(request.Key.Value);
            var allocation = record is null ? null : await ObserveAsync(record, cancellationToken);
            if (record is null || allocation is null)
            {
                return _store.WasReleased(request.Key.Value)
                    ? ProcessFailures.CalledOff(request.Key.Value)
                    : ProcessFailures.NotStarted("the launcher did not start");
            }

            if (_client.ChildOf(record) is not null || allocation.Status == AllocationStatus.Exited)
            {
                return AllocateOutcome.Allocated(allocation);
            }

            await Task.Delay(PollInterval, _clock, cancellationToken);
        }
    }

    public async Task<Allocation?> FindAsync(AllocationKey key, CancellationToken cancellationToken) =>
        _store.Find(key.Value) is { } record ? await ObserveAsync(record, cancellationToken) : null;

    public Task<string> ReadOutputAsync(AllocationKey key, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult(
            _store.Find(key.Value) is null ? "" : ProcessOutput.Tail(_store.FileOf(key.Value, "output.log"))
        );
    }

    public async Task<IReadOnlyList<Allocation>> ListAllocationsAsync(
        string cluster,
        CancellationToken cancellationToken
    )
    {
        var found = new Dictionary<string, Allocation>(StringComparer.Ordinal);
        foreach (var record in _store.All().Where(record => IsOf(record.Cluster, cluster)))
        {
            if (await ObserveAsync(record, cancellationToken) is { } allocation)
            {
                found[record.Key] = allocation;
            }
        }

        // A child without a record still uses resources, so it is listed and the sweep can release it.
        foreach (var (key, _, instance) in _client.Tagged().Where(tag => IsOf(tag.Cluster, cluster)))
        {
            if (!found.ContainsKey(key) && _store.Find(key) is null)
            {
                found[key] = Stray(key, cluster, instance);
            }
        }

        return [.. found.Values];
    }

    public async Task<ReleaseOutcome> ReleaseAsync(AllocationKey key, CancellationToken cancellationToken)
    {
        if (!ProcessStore.IsUsable(key.Value))
        {
            return ReleaseOutcome.Released;
        }

        var startedAt = _clock.GetUtcNow();
        var stoppingSince = MarkStopping(key.Value, startedAt);
        var isFirstCheck = true;
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var record = _store.Find(key.Value);
            var child = record is null ? null : _client.ChildOf(record);
            var members = _client.MembersOf(key.Value, child);
            var now = _clock.GetUtcNow();
            if (members.Count == 0 && (record is null || child is not null || IsTooOldToStart(record, now)))
            {
                Forget(key.Value);
                return ReleaseOutcome.Released;
            }

            // Without a record the start time of the stop is not stored, so a stray gets its grace period within this
            // call.
            var isForced = now - stoppingSince >= (record is null ? StrayGrace : _options.StopGrace);
            if (isForced || isFirstCheck)
            {
                End(child, members, isForced);
            }

            isFirstCheck = false;
            if (now - startedAt >= ReleaseWait)
            {
                return ReleaseOutcome.Pending;
            }

            await Task.Delay(PollInterval, _clock, cancellationToken);
        }
    }

    public async IAsyncEnumerable<Allocation> WatchAsync(
        string cluster,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        var reported = new Dictionary<string, AllocationStatus>(StringComparer.Ordinal);
        while (true)
        {
            var records = _store.All().Where(record => IsOf(record.Cluster, cluster)).ToList();
            foreach (var record in records)
            {
                var allocation = await ObserveAsync(record, cancellationToken);
                if (
                    allocation is not null
                    && (!reported.TryGetValue(record.Key, out var last) || last != allocation.Status)
                )
                {
                    reported[record.Key] = allocation.Status;
                    yield return allocation;
                }
            }

            foreach (
                var gone in reported.Keys.Except(records.Select(record => record.Key), StringComparer.Ordinal).ToList()
            )
            {
                reported.Remove(gone);
            }

            await Task.Delay(_options.ProbeEvery, _clock, cancellationToken);
        }
    }

    public void Dispose()
    {
        // The children keep running for their customers, and the next scheduler process takes them over.
        _store.Dispose();
        _gpus.Dispose();
    }

    /// <summary>Under the lock, finds the key's record, or writes a record and starts the child.</summary>
    /// <returns>The rejection; null if the record exists now.</returns>
    private AllocateOutcome? StartOnce(AllocationRequest request, RuntimePreset preset, HostView host)
    {
        var key = request.Key.Value;
        using var held = _store.Hold();
        if (_store.WasReleased(key))
        {
            return ProcessFailures.CalledOff(key);
        }

        var before = _store.Find(key);
        if (before is not null && !NeverStarted(before))
        {
            return null;
        }

        if (!ProcessClient.CanRun(preset.Program))
        {
            return ProcessFailures.NoProgram(preset.Program);
        }

        return Place_NeedsLock(request, preset, host);
    }

    private AllocateOutcome? Place_NeedsLock(AllocationRequest request, RuntimePreset preset, HostView host)
    {
        var key = request.Key.Value;
        var taken = Taken();
        if (Pick(request.Offer, host, taken) is not { } gpus)
        {
            return ProcessFailures.OutOfStock(request.Offer.OfferId);
        }

        if (_client.FreePort(taken.Ports) is not { } port)
        {
            return ProcessFailures.NoPort(_options.FirstPort, _options.LastPort);
        }

        ImmutableArray<string> arguments;
        try
        {
            arguments = preset.Render(request.Runtime, _options.Host, port);
        }
        catch (Exception e) when (e is ArgumentException or OverflowException)
        {
            return ProcessFailures.BadRuntime(e.Message);
        }

        _store.Forget(key);
        var record = new ProcessRecord
        {
            Key = key,
            Cluster = request.Tag.Cluster,
            Instance = request.Tag.Instance.Value,
            CreatedAt = _clock.GetUtcNow(),
            BootId = _client.BootId,
            Port = port,
            HealthPath = preset.HealthPathOf(request.Runtime),
            Tokenizer = preset.TokenizePath is { } path ? new RuntimeTokenizer(path, preset.TokenizeShape) : null,
            KeyVariable = request.RuntimeKey is null ? null : preset.KeyVariable,
            Gpus = [.. gpus.Select(gpu => gpu.Uuid)],
            IsAmd = gpus.Any(gpu => gpu.Vendor == GpuVendor.Amd),
            IsCpu = gpus.IsEmpty,
        };
        _store.Add(record);
        if (_client.Start(record, preset, arguments, OwnVariables(request, preset)) is { } fault)
        {
            _store.Forget(key);
            return ProcessFailures.NotStarted(fault);
        }

        LogStarted(request.Key, request.Tag.Instance, preset.Name, port, record.Gpus.Count);
        return null;
    }

    /// <returns>The GPUs, none for the CPU; null if the offer does not exist or has too few of them free.</returns>
    private ImmutableArray<HostGpu>? Pick(Offer offer, HostView host, TakenView taken)
    {
        if (_options.Cpu.Enabled && IsOf(offer.OfferId, ProcessMapping.CpuOfferId))
        {
            return taken.Cpu < _options.Cpu.Available ? [] : null;
        }

        foreach (var type in host.Slots.GroupBy(slot => slot.Type, StringComparer.Ordinal))
        {
            foreach (
                var size in ProcessMapping
                    .Sizes(Math.Max(1, type.Count(slot => !slot.Gpu.IsSlice)))
                    .Where(size => IsOf(ProcessMapping.OfferId(type.Key, size), offer.OfferId))
            )
            {
                ImmutableArray<HostGpu> free =
                [
                    .. ProcessMapping
                        .Fitting(type, size)
                        .Where(slot => !taken.Gpus.Contains(slot.Gpu.Uuid))
                        .Select(slot => slot.Gpu)
                        .Take(size),
                ];
                return free.Length == size ? free : null;
            }
        }

        return null;
    }

    private DateTimeOffset MarkStopping(string key, DateTimeOffset now)
    {
        using var held = _store.Hold();
        return _store.Find(key) is null ? now : _store.MarkOnce(key, "stopping", now);
    }

    private static void End(ProcStat? child, List<ProcStat> members, bool isForced)
    {
        var signal = isForced ? ProcessClient.KillSignal : ProcessClient.TerminateSignal;
        if (child is { } leader)
        {
            ProcessClient.SignalGroup(leader, signal);
        }

        ProcessClient.Signal(members.Where(member => child is null || member.Group != child.Value.Group), signal);
        if (isForced)
        {
            ProcessClient.Signal(members, signal);
        }
    }

    private void Forget(string key)
    {
        using var held = _store.Hold();
        // First: after a crash here the release is repeated.
        _isolation.Remove(key);
        _store.Release(key);
        _probe.Forget(key);
    }

    private static bool IsOf(string a, string b) => string.Equals(a, b, StringComparison.Ordinal);
}
