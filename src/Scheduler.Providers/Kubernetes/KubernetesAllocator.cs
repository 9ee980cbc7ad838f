using System.Globalization;
using k8s.Autorest;
using k8s.Models;
using Microsoft.Extensions.Logging;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;

namespace Scheduler.Providers.Kubernetes;

/// <summary>Makes the objects of an allocation once, and waits until a node has taken the pod.</summary>
/// <remarks>
/// <para>
/// The order of the calls is the fence. First the secret, then a look for a tombstone, then the pod, then a second look. A
/// release writes the tombstone, looks for the pod, and deletes the secret in any case. Of two calls at once, the allocation
/// sees the tombstone, or the release sees the pod. Otherwise the pod belongs to a deleted secret, and the cluster collects it.
/// </para>
/// <para>A second create under a name is refused by the API server, also after a crash or from another scheduler.</para>
/// </remarks>
internal sealed partial class KubernetesAllocator(
    KubernetesClient client,
    KubernetesOptions options,
    KubernetesCapacity capacity,
    KubernetesTombstones tombstones,
    KubernetesRuntimes runtimes,
    TimeProvider clock,
    ILogger log
)
{
    internal async Task<AllocateOutcome> AllocateAsync(AllocationRequest request, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (!KubernetesNames.IsUsable(request.Key))
        {
            return KubernetesFailures.UnusableKey(request.Key.Value);
        }

        var name = KubernetesNames.ObjectOf(request.Key);
        V1Pod? pod;
        try
        {
            pod = await client.FindPodAsync(name, cancellationToken);
        }
        catch (HttpOperationException exception) when (KubernetesFailures.OfRead(exception) is { } refused)
        {
            return refused;
        }

        if (pod is null)
        {
            (pod, var refusal) = await MakeAsync(request, name, cancellationToken);
            if (pod is null)
            {
                return refusal!;
            }
        }

        return KubernetesNames.OwnerOf(pod.Metadata)?.Key == request.Key
            ? await WaitAsync(request, pod, cancellationToken)
            : KubernetesFailures.NameTaken(name);
    }

    internal async Task<CapacityView> CapacityAsync(CancellationToken cancellationToken)
    {
        var nodes = client.ListNodesAsync(cancellationToken);
        var pods = client.ListUnfinishedPodsAsync(cancellationToken);
        await Task.WhenAll(nodes, pods);
        return capacity.Of(await nodes, await pods);
    }

    /// <returns>The pod, or why there is none.</returns>
    private async Task<(V1Pod? Pod, AllocateOutcome? Refusal)> MakeAsync(
        AllocationRequest request,
        string name,
        CancellationToken cancellationToken
    )
    {
        if (await tombstones.HasAsync(request.Key, cancellationToken))
        {
            return (null, KubernetesFailures.CalledOff(request.Key.Value));
        }

        if (!RuntimePresets.BuiltIn.TryGetValue(request.Runtime.Preset, out var preset))
        {
            return (
                null,
                KubernetesFailures.BadRuntime($"no runtime preset '{OutputLines.Clean(request.Runtime.Preset)}'")
            );
        }

        var (container, fault) = ContainerOf(preset, request);
        if (container is null)
        {
            return (null, KubernetesFailures.BadRuntime(fault!));
        }

        var view = await CapacityAsync(cancellationToken);
        var offer = view.Offers.GetValueOrDefault(request.Offer.OfferId);
        if (offer is null || (offer.Offer.Available == 0 && offer.Pool is null))
        {
            // A call at the same time may have made the pod that takes the last place.
            return await client.FindPodAsync(name, cancellationToken) is { } made
                ? (made, null)
                : (
                    null,
                    offer is null
                        ? KubernetesFailures.NoOffer(request.Offer.OfferId)
                        : KubernetesFailures.NoRoom(request.Offer.OfferId)
                );
        }

        var secret =
            await client.CreateSecretAsync(PodBuilder.Secret(request, container), cancellationToken)
            ?? await client.FindSecretAsync(name, cancellationToken)
            ?? throw Changed(name);
        if (await tombstones.HasAsync(request.Key, cancellationToken))
        {
            await client.DeleteSecretAsync(name, cancellationToken);
            return (null, KubernetesFailures.CalledOff(request.Key.Value));
        }

        return await CreateAsync(
            request,
            PodBuilder.Pod(request, preset, container, offer.Placement, secret, options),
            cancellationToken
        );
    }

    private async Task<(V1Pod? Pod, AllocateOutcome? Refusal)> CreateAsync(
        AllocationRequest request,
        V1Pod wanted,
        CancellationToken cancellationToken
    )
    {
        var name = wanted.Metadata.Name;
        V1Pod? pod;
        try
        {
            pod = await client.CreatePodAsync(wanted, cancellationToken);
        }
        catch (HttpOperationException exception) when (KubernetesFailures.OfCreate(exception) is { } refusal)
        {
            LogRefused(name, refusal.Rejection!.Kind, refusal.Rejection.ProviderWords);
            if (await client.FindPodAsync(name, cancellationToken) is { } other)
            {
                return (other, null);
            }

            await client.DeleteSecretAsync(name, cancellationToken);
            return (null, refusal);
        }

        pod ??= await client.FindPodAsync(name, cancellationToken) ?? throw Changed(name);
        if (await tombstones.HasAsync(request.Key, cancellationToken))
        {
            return (null, await CallOffAsync(pod, KubernetesFailures.CalledOff(request.Key.Value), cancellationToken));
        }

        if (options.Reach == KubernetesReach.NodePort)
        {
            await client.CreateServiceAsync(PodBuilder.Service(pod), cancellationToken);
        }

        return (pod, null);
    }

    /// <summary>Waits until a node has taken the pod, or until it is known that none will.</summary>
    private async Task<AllocateOutcome> WaitAsync(
        AllocationRequest request,
        V1Pod made,
        CancellationToken cancellationToken
    )
    {
        var pod = made;
        DateTimeOffset? waitsSince = null;
        while (true)
        {
            var reading = PodReading.Of(pod);
            var isGoing = reading.State is PodState.TakenBack or PodState.Refused;
            if (isGoing && await tombstones.HasAsync(request.Key, cancellationToken))
            {
                return await CallOffAsync(pod, KubernetesFailures.CalledOff(request.Key.Value), cancellationToken);
            }

            if (reading.IsTaken)
            {
                await client.AnnotateSecretAsync(
                    pod.Metadata.Name,
                    KubernetesNames.Taken,
                    pod.Metadata.Uid,
                    cancellationToken
                );
                return AllocateOutcome.Allocated(await runtimes.ObserveAsync(pod, cancellationToken));
            }

            if (reading.State == PodState.Refused)
            {
                return await CallOffAsync(
                    pod,
                    KubernetesFailures.RefusedByNode(reading.Words ?? "Failed"),
                    cancellationToken
                );
            }

            var now = clock.GetUtcNow();
            waitsSince = reading.Reason == "Unschedulable" ? waitsSince ?? now : null;
            if (
                now - waitsSince >= options.UnschedulableAfter
                && await HopelessAsync(request, pod, reading, cancellationToken) is { } hopeless
            )
            {
                return await CallOffAsync(pod, hopeless, cancellationToken);
            }

            await clock.Delay(options.PollEvery, cancellationToken);
            if (await client.FindPodAsync(pod.Metadata.Name, cancellationToken) is not { } next)
            {
                return await GoneAsync(request, pod, cancellationToken);
            }

            pod = next;
        }
    }

    /// <summary>The rejection if no node will come; null while one may.</summary>
    private async Task<AllocateOutcome?> HopelessAsync(
        AllocationRequest request,
        V1Pod pod,
        PodReading reading,
        CancellationToken cancellationToken
    )
    {
        var events = await client.ListEventsAsync(pod.Metadata.Name, cancellationToken);
        var (isComing, words) = PodEvents.Autoscaler(events, pod.Metadata.Uid);
        return isComing switch
        {
            false => KubernetesFailures.NoNode($"{reading.Message} {words}"),
            null when !KubernetesMapping.IsOfPool(request.Offer.OfferId) => KubernetesFailures.NoNode(reading.Message),
            _ => null,
        };
    }

    /// <summary>Deletes the pod, and answers when it is gone: a rejection says that nothing exists under the key.</summary>
    private async Task<AllocateOutcome> CallOffAsync(
        V1Pod pod,
        AllocateOutcome outcome,
        CancellationToken cancellationToken
    )
    {
        await client.DeletePodAsync(pod, cancellationToken);
        while (
            await client.FindPodAsync(pod.Metadata.Name, cancellationToken) is { } left
            && left.Metadata.Uid == pod.Metadata.Uid
        )
        {
            await clock.Delay(options.PollEvery, cancellationToken);
        }

        await client.DeleteSecretAsync(pod.Metadata.Name, cancellationToken);
        runtimes.Forget(pod);
        return outcome;
    }

    private async Task<AllocateOutcome> GoneAsync(
        AllocationRequest request,
        V1Pod pod,
        CancellationToken cancellationToken
    )
    {
        if (await tombstones.HasAsync(request.Key, cancellationToken))
        {
            return KubernetesFailures.CalledOff(request.Key.Value);
        }

        var events = await client.ListEventsAsync(pod.Metadata.Name, cancellationToken);
        await client.DeleteSecretAsync(pod.Metadata.Name, cancellationToken);
        return KubernetesFailures.Removed(
            string.Create(
                CultureInfo.InvariantCulture,
                $"the pod was deleted before a node took it: {PodEvents.WhyGone(events, pod.Metadata.Uid)}"
            )
        );
    }

    private static (RuntimeContainer? Container, string? Fault) ContainerOf(
        RuntimePreset preset,
        AllocationRequest request
    )
    {
        try
        {
            return RuntimeContainer.Of(preset, request);
        }
        catch (Exception exception) when (exception is ArgumentException or OverflowException)
        {
            return (null, exception.Message);
        }
    }

    private static InvalidOperationException Changed(string name) =>
        new($"'{name}' was deleted while it was made; the outcome is open.");

    [LoggerMessage(6402, LogLevel.Warning, "The API server refused pod {Pod} ({Kind}): {Words}")]
    private partial void LogRefused(string pod, RejectionKind kind, string words);
}
