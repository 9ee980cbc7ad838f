using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;

namespace Scheduler.Providers.Docker;

/// <summary>Offers one host with a Docker or Podman engine: an allocation is a container on some of its GPUs.</summary>
/// <remarks>
/// <para>
/// The engine is the record. The name of a container comes from the key, and an engine has one container of a name: this is
/// the fence. Labels hold the tag and the GPUs. So a scheduler that was killed, or another silo, continues from there.
/// </para>
/// <para>
/// A removed container fences no longer. So the journal keeps released keys, and an allocation reads it after the container
/// exists and before that starts: a release is either seen there, or sees the container.
/// </para>
/// <para>
/// An engine reserves no GPUs. <see cref="DockerClaims"/> decides between two silos that choose the same one.
/// </para>
/// </remarks>
internal sealed partial class DockerProvider : IProvider, IDisposable
{
    /// <summary>One attempt fails for each other silo that was faster; more in a row mean a host in dispute.</summary>
    private const int MaxAttempts = 8;

    private readonly string _host;
    private readonly DockerOptions _options;
    private readonly DockerHostOptions _hostOptions;
    private readonly DockerApi _api;
    private readonly DockerGpus _gpus;
    private readonly DockerPulls _pulls;
    private readonly DockerClaims _claims;
    private readonly DockerTombstones _tombstones;
    private readonly RuntimeProbe _probe;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly SemaphoreSlim _placing = new(1, 1);
    private readonly ConcurrentDictionary<string, (DateTimeOffset Since, string Container)> _stopping = new(
        StringComparer.Ordinal
    );

    internal DockerProvider(
        string host,
        DockerOptions options,
        HttpMessageHandler handler,
        GpuNameResolver resolver,
        IAllocationJournal journal,
        IHttpClientFactory http,
        TimeProvider clock,
        ILogger<DockerProvider> log
    )
    {
        _host = host;
        _options = options;
        _hostOptions = options.Hosts[host];
        _clock = clock;
        _log = log;
        _api = new DockerApi(host, handler, options.CallTimeout, clock);
        _gpus = new DockerGpus(_api, host, _hostOptions, resolver, clock, log);
        _pulls = new DockerPulls(_api, options, host, clock, log);
        _claims = new DockerClaims(_api, clock);
        _tombstones = new DockerTombstones(journal, Id, options.RememberReleased, clock);
        _probe = new RuntimeProbe(
            http,
            new ProbeLimits(
                options.ProbeEvery,
                options.ProbeTimeout,
                options.UnhealthyAfterProbes,
                options.UnhealthyAfterSilence
            ),
            clock
        );
    }

    public ProviderId Id => new($"docker-{_host}");

    public FrozenSet<AccountId> OnlyFor => OnlyForAccounts.Of(_hostOptions.OnlyFor);

    public IEnumerable<RuntimePreset> Presets =>
        RuntimePresets
            .BuiltIn.Keys.Concat(_options.Presets.Keys)
            .Distinct(StringComparer.Ordinal)
            .Select(name => _options.Preset(name)!)
            .Where(preset => preset.Image is not null);

    public bool IsReachableFromOutside => !_hostOptions.IsOnLoopback;

    public async Task<OfferListing> ListOffersAsync(CancellationToken cancellationToken)
    {
        var (slots, skipped) = await _gpus.SlotsAsync(cancellationToken);
        var taken = await _claims.TakenAsync(except: null, cancellationToken);
        var offers = DockerMapping.Offers(Id, slots, taken, _hostOptions.Region ?? _host, _hostOptions);
        return new OfferListing([.. offers], skipped);
    }

    public async Task<AllocateOutcome> AllocateAsync(AllocationRequest request, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var (draft, fault) = DraftOf(request);
        if (draft is null)
        {
            return fault!;
        }

        if (await _tombstones.HasAsync(request.Key, cancellationToken))
        {
            return DockerFailures.CalledOff(request.Key.Value);
        }

        var (slots, _) = await _gpus.SlotsAsync(cancellationToken);
        if (await _api.InspectAsync(draft.Name, cancellationToken) is null)
        {
            // Before a pull of gigabytes for nothing; decided again when the image is there.
            var before = await _claims.TakenAsync(request.Key, cancellationToken);
            if (Refusal(slots, request.Offer, before) is { } early)
            {
                return early;
            }

            if (await PullAsync(draft.Container.Image, cancellationToken) is { } notPulled)
            {
                return notPulled;
            }
        }

        await _placing.WaitAsync(cancellationToken);
        try
        {
            if (await PlaceAsync(draft, slots, cancellationToken) is { } refusal)
            {
                return refusal;
            }
        }
        finally
        {
            _placing.Release();
        }

        // Not there any more: released or removed meanwhile, which the next call finds out.
        return await FindAsync(request.Key, cancellationToken) is { } allocation
            ? AllocateOutcome.Allocated(allocation)
            : throw new DockerException($"{_host}: the container '{draft.Name}' is gone", 0);
    }

    /// <remarks>
    /// A container that was never started is no allocation yet: its start may fail, and then it is removed. It is listed, so that
    /// the sweep finds one without an owner.
    /// </remarks>
    public async Task<Allocation?> FindAsync(AllocationKey key, CancellationToken cancellationToken) =>
        DockerMapping.IsUsable(key)
        && await _api.InspectAsync(DockerMapping.NameOf(key), cancellationToken) is { State.IsNew: false } container
        && DockerLabels.Read(container.Config.Labels) is { } labels
        && labels.Key == key
            ? await ObserveAsync(container, labels, cancellationToken)
            : null;

    public async Task<string> ReadOutputAsync(AllocationKey key, CancellationToken cancellationToken) =>
        DockerMapping.IsUsable(key)
            ? await _api.ReadLogsAsync(DockerMapping.NameOf(key), OutputLinesRead, cancellationToken)
            : "";

    public Task<IReadOnlyList<Allocation>> ListAllocationsAsync(string cluster, CancellationToken cancellationToken) =>
        ListAsync(cluster, withNew: true, cancellationToken);

    private async Task<IReadOnlyList<Allocation>> ListAsync(
        string cluster,
        bool withNew,
        CancellationToken cancellationToken
    )
    {
        var found = new List<Allocation>();
        var all = await _api.ListAsync($"{DockerLabels.ClusterLabel}={cluster}", cancellationToken);
        foreach (var listed in all.Where(listed => withNew || !listed.IsNew))
        {
            if (
                await _api.InspectAsync(listed.Id, cancellationToken) is { } container
                && DockerLabels.Read(container.Config.Labels) is { } labels
            )
            {
                found.Add(await ObserveAsync(container, labels, cancellationToken));
            }
        }

        return found;
    }

    public void Dispose()
    {
        _pulls.Dispose();
        _api.Dispose();
        _gpus.Dispose();
        _placing.Dispose();
    }

    /// <summary>What the request asks for, before anything is asked of the engine.</summary>
    private (Draft? Draft, AllocateOutcome? Fault) DraftOf(AllocationRequest request)
    {
        if (!DockerMapping.IsUsable(request.Key))
        {
            return (null, DockerFailures.UnusableKey(request.Key.Value));
        }

        if (_options.Preset(request.Runtime.Preset) is not { } preset)
        {
            var known = Presets.Select(preset => preset.Name);
            return (null, DockerFailures.UnknownPreset(request.Runtime.Preset, known));
        }

        try
        {
            // On loopback no key is needed, and a preset that cannot ask for one may start.
            var isOpen = !IsReachableFromOutside && preset.KeyVariable is null;
            var (container, fault) = RuntimeContainer.Of(preset, isOpen ? request with { RuntimeKey = null } : request);
            return container is null
                ? (null, DockerFailures.Invalid(fault!))
                : (
                    new Draft(
                        DockerMapping.NameOf(request.Key),
                        request,
                        container with
                        {
                            Image = DockerMapping.Tagged(container.Image),
                        },
                        _options.Presets.TryGetValue(preset.Name, out var own) && own.KeepsEntrypoint
                    ),
                    null
                );
        }
        catch (Exception e) when (e is ArgumentException or OverflowException)
        {
            return (null, DockerFailures.Invalid(OutputLines.Clean(e.Message)));
        }
    }

    private static AllocateOutcome? Refusal(DockerSlots slots, Offer offer, IReadOnlySet<string> taken) =>
        slots.Pick(offer, taken) switch
        {
            null => DockerFailures.NoOffer(offer.OfferId),
            { IsEmpty: true } => DockerFailures.Taken(offer.OfferId),
            _ => null,
        };

    private async Task<AllocateOutcome?> PullAsync(string image, CancellationToken cancellationToken)
    {
        var (failure, progress) = await _pulls.EnsureAsync(image, cancellationToken);
        return failure is not null ? DockerFailures.NotPulled(image, failure)
            : progress is not null ? DockerFailures.StillPulling(image, progress)
            : null;
    }

    /// <summary>Creates the container, or takes the one that exists, until one is started or cannot be.</summary>
    /// <returns>The rejection, when nothing exists under the key; null when a container was started.</returns>
    private async Task<AllocateOutcome?> PlaceAsync(Draft draft, DockerSlots slots, CancellationToken cancellationToken)
    {
        for (var attempt = 0; attempt < MaxAttempts; attempt++)
        {
            string id;
            IReadOnlyList<string> claimed;
            if (await _api.InspectAsync(draft.Name, cancellationToken) is { } existing)
            {
                if (DockerLabels.Read(existing.Config.Labels) is not { } labels || labels.Key != draft.Request.Key)
                {
                    return DockerFailures.NameTaken(draft.Name);
                }

                if (!existing.State.IsNew)
                {
                    return null;
                }

                // A scheduler crashed between create and start, or another one is there now: both continue.
                (id, claimed) = (existing.Id, labels.Slots);
            }
            else
            {
                var (created, picked, refusal) = await CreateAsync(draft, slots, cancellationToken);
                if (refusal is not null)
                {
                    return refusal;
                }

                if (created is null)
                {
                    continue;
                }

                (id, claimed) = (created, picked);
            }

            var (isStarted, notStarted) = await StartAsync(draft, id, claimed, cancellationToken);
            if (isStarted || notStarted is not null)
            {
                return notStarted;
            }
        }

        return DockerFailures.Taken(draft.Request.Offer.OfferId);
    }

    /// <returns>The id and its slots; a rejection; or neither, when another call was faster.</returns>
    private async Task<(string? Id, IReadOnlyList<string> Slots, AllocateOutcome? Refusal)> CreateAsync(
        Draft draft,
        DockerSlots slots,
        CancellationToken cancellationToken
    )
    {
        var taken = await _claims.TakenAsync(draft.Request.Key, cancellationToken);
        if (Refusal(slots, draft.Request.Offer, taken) is { } refusal)
        {
            return (null, [], refusal);
        }

        var picked = slots.Pick(draft.Request.Offer, taken)!.Value;
        ImmutableArray<string> ids = [.. picked.Select(slot => slot.Id)];
        var labels = new DockerLabels(
            draft.Request.Key,
            draft.Request.Tag,
            ids,
            draft.Container.Port,
            draft.Container.HealthPath,
            draft.Request.Runtime.Preset
        );
        var body = DockerMapping.Body(draft.Container, draft.KeepsEntrypoint, labels, picked, _options, _hostOptions);
        try
        {
            return (await _api.CreateAsync(draft.Name, body, cancellationToken), ids, null);
        }
        catch (DockerException e) when (e.Status is >= 400 and < 600)
        {
            // An error answer of create made nothing, but a name that is taken by then is another call's container.
            return await _api.InspectAsync(draft.Name, cancellationToken) is null
                ? (null, [], DockerFailures.NotCreated(e))
                : (null, [], null);
        }
    }

    /// <returns>Whether it runs; or a rejection; or neither, when another container had the GPUs first.</returns>
    private async Task<(bool IsStarted, AllocateOutcome? Refusal)> StartAsync(
        Draft draft,
        string id,
        IReadOnlyList<string> claimed,
        CancellationToken cancellationToken
    )
    {
        if (!await _claims.WinAsync(id, claimed, cancellationToken))
        {
            LogBackedOff(_host, draft.Request.Key);
            await _api.RemoveAsync(id, force: false, cancellationToken);
            return (false, null);
        }

        if (await _tombstones.HasAsync(draft.Request.Key, cancellationToken))
        {
            await RemoveAsync(id, cancellationToken);
            return (false, DockerFailures.CalledOff(draft.Request.Key.Value));
        }

        try
        {
            await _api.StartAsync(id, cancellationToken);
            LogStarted(_host, draft.Request.Key, draft.Request.Tag.Instance, draft.Container.Image, claimed.Count);
            return (true, null);
        }
        catch (DockerException e)
        {
            await RemoveAsync(id, cancellationToken);
            LogNotStarted(e, _host, draft.Request.Key);
            return (false, DockerFailures.NotStarted(e.Message));
        }
    }

    /// <summary>Removes a container that never ran.</summary>
    /// <exception cref="DockerException">It is still there, so nothing may be said about the key.</exception>
    private async Task RemoveAsync(string id, CancellationToken cancellationToken)
    {
        await _api.RemoveAsync(id, force: true, cancellationToken);
        if (await _api.InspectAsync(id, cancellationToken) is not null)
        {
            throw new DockerException($"{_host}: the container {id} could not be removed", 0);
        }
    }

    /// <summary>A request in the words of the engine.</summary>
    private sealed record Draft(
        string Name,
        AllocationRequest Request,
        RuntimeContainer Container,
        bool KeepsEntrypoint
    );
}
