using System.Collections.Concurrent;
using System.Text;
using k8s.Autorest;
using k8s.Models;
using Microsoft.Extensions.Logging;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;

namespace Scheduler.Providers.Kubernetes;

/// <summary>What a pod says about its runtime, with its health, its last output and the events about it.</summary>
/// <remarks>
/// What must survive a restart of the scheduler is in the cluster: that a runtime was ready once, and that a node took the pod.
/// In memory are only results that can be read again.
/// </remarks>
internal sealed partial class KubernetesRuntimes(
    KubernetesClient client,
    KubernetesOptions options,
    RuntimeProbe probe,
    TimeProvider clock,
    ILogger log
)
{
    private readonly ConcurrentDictionary<string, RuntimeKey?> _keys = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, RuntimeExit> _exits = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, int> _ports = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, DateTimeOffset> _errorsSince = new(StringComparer.Ordinal);

    /// <summary>The allocation of a pod. The pod is one of ours.</summary>
    internal async Task<Allocation> ObserveAsync(V1Pod pod, CancellationToken cancellationToken)
    {
        var reading = PodReading.Of(pod);
        if (reading.State is not (PodState.ImageError or PodState.StartError))
        {
            _errorsSince.TryRemove(pod.Metadata.Uid, out _);
        }

        return reading.State switch
        {
            PodState.Unscheduled or PodState.Bound or PodState.Starting => Show(pod, AllocationStatus.Booting),
            PodState.ImageError or PodState.StartError => await OfErrorAsync(pod, reading, cancellationToken),
            PodState.Running => await ProbedAsync(pod, cancellationToken),
            PodState.NodeLost => Show(pod, AllocationStatus.Unhealthy),
            PodState.Ended => Show(pod, AllocationStatus.Exited) with
            {
                Exit = await ExitOfAsync(pod, reading, cancellationToken),
            },
            PodState.TakenBack or PodState.Refused => Show(pod, AllocationStatus.Preempted) with
            {
                Exit = new RuntimeExit { ProviderReason = reading.Words },
            },
            _ => throw new System.Diagnostics.UnreachableException(),
        };
    }

    /// <summary>
    /// The allocation of a key whose pod is gone without our release; null if there never was one. The secret remembers the
    /// pod, and events tell who removed it.
    /// </summary>
    internal async Task<Allocation?> OfVanishedAsync(V1Secret secret, CancellationToken cancellationToken)
    {
        var uid = KubernetesNames.AnnotationOf(secret.Metadata, KubernetesNames.Taken);
        if (uid is null || KubernetesNames.OwnerOf(secret.Metadata) is not { } owner)
        {
            return null;
        }

        var events = await client.ListEventsAsync(secret.Metadata.Name, cancellationToken);
        return new Allocation
        {
            Key = owner.Key,
            Tag = owner.Tag,
            ProviderAllocationId = IdOf(secret.Metadata.Name, uid),
            Status = AllocationStatus.Preempted,
            CreatedAt = TimeOf(secret.Metadata.CreationTimestamp),
            Exit = new RuntimeExit { ProviderReason = PodEvents.WhyGone(events, uid) },
        };
    }

    internal async Task<string> ReadOutputAsync(V1Pod pod, CancellationToken cancellationToken)
    {
        var output = await client.ReadLogAsync(pod.Metadata.Name, cancellationToken);
        return await KeyOfAsync(pod, cancellationToken) is { Value.Length: > 0 } key
            ? output.Replace(key.Value, "[secret]", StringComparison.Ordinal)
            : output;
    }

    /// <summary>Forgets what is kept about a pod that is gone.</summary>
    internal void Forget(V1Pod pod)
    {
        var uid = pod.Metadata.Uid;
        _keys.TryRemove(uid, out _);
        _exits.TryRemove(uid, out _);
        _ports.TryRemove(uid, out _);
        _errorsSince.TryRemove(uid, out _);
        probe.Forget(uid);
    }

    private async Task<Allocation> ProbedAsync(V1Pod pod, CancellationToken cancellationToken)
    {
        var wasReady = KubernetesNames.AnnotationOf(pod.Metadata, KubernetesNames.ReadyAt) is not null;
        if (await EndpointOfAsync(pod, cancellationToken) is not { } endpoint)
        {
            return Show(pod, AllocationStatus.Booting);
        }

        var address = new Uri(
            endpoint,
            (KubernetesNames.AnnotationOf(pod.Metadata, KubernetesNames.HealthPath) ?? "/health").TrimStart('/')
        );
        var key = await KeyOfAsync(pod, cancellationToken);
        var health = await probe.CheckAsync(pod.Metadata.Uid, address, key, cancellationToken);
        if (health == RuntimeHealth.Healthy && !wasReady)
        {
            await MarkReadyAsync(pod, cancellationToken);
            wasReady = true;
        }

        var status =
            !wasReady ? AllocationStatus.Booting
            : health == RuntimeHealth.Unhealthy ? AllocationStatus.Unhealthy
            : AllocationStatus.Ready;
        return Show(pod, status) with { Endpoint = status == AllocationStatus.Booting ? null : endpoint };
    }

    /// <summary>Without the mark a restarted scheduler takes a runtime that fails for one that still starts.</summary>
    private async Task MarkReadyAsync(V1Pod pod, CancellationToken cancellationToken)
    {
        try
        {
            var now = clock.GetUtcNow().ToString("O", System.Globalization.CultureInfo.InvariantCulture);
            await client.AnnotatePodAsync(pod.Metadata.Name, KubernetesNames.ReadyAt, now, cancellationToken);
        }
        catch (HttpOperationException exception)
        {
            // The runtime serves all the same, and the next observation tries again.
            LogUnmarked(exception, pod.Metadata.Name);
        }
    }

    /// <summary>
    /// An error before the start may pass: a registry was busy, a secret was late. It counts as the end after several tries,
    /// or at once where Kubernetes itself says that no try can succeed.
    /// </summary>
    private async Task<Allocation> OfErrorAsync(V1Pod pod, PodReading reading, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        var since = _errorsSince.GetOrAdd(pod.Metadata.Uid, now);
        var words = reading.Words;
        var isFinal =
            reading.Reason is "InvalidImageName" or "ErrImageNeverPull" || now - since >= options.StartErrorPatience;
        if (!isFinal && reading.State == PodState.ImageError)
        {
            var events = await client.ListEventsAsync(pod.Metadata.Name, cancellationToken);
            var (pulls, cause) = PodEvents.FailedPulls(events, pod.Metadata.Uid);
            isFinal = pulls >= options.ImagePulls;
            // The waiting reason alternates between the error and the pause after it; the event has the registry's words.
            words = cause is null ? words : KubernetesFailures.Words($"{reading.Reason}: {cause}");
        }

        return isFinal
            ? Show(pod, AllocationStatus.Exited) with
            {
                Exit = _exits.GetOrAdd(
                    pod.Metadata.Uid,
                    new RuntimeExit { ProviderReason = words, OutputTail = words ?? "" }
                ),
            }
            : Show(pod, AllocationStatus.Booting);
    }

    private async Task<RuntimeExit> ExitOfAsync(V1Pod pod, PodReading reading, CancellationToken cancellationToken)
    {
        if (_exits.TryGetValue(pod.Metadata.Uid, out var known))
        {
            return known;
        }

        // The last 2 KiB of the log are in the status too, and survive the node.
        var output = "";
        try
        {
            output = await ReadOutputAsync(pod, cancellationToken);
        }
        catch (Exception exception)
            when (exception is HttpOperationException or HttpRequestException or TimeoutException)
        {
            LogNoOutput(exception, pod.Metadata.Name);
        }

        var exit = new RuntimeExit
        {
            ExitCode = reading.ExitCode,
            ProviderReason = reading.Reason is null ? null : ReasonOf(reading),
            OutputTail = output.Length > 0 ? output : reading.Message,
        };
        return output.Length > 0 ? _exits.GetOrAdd(pod.Metadata.Uid, exit) : exit;
    }

    /// <summary>The message of a terminated container is its output, not a reason.</summary>
    private static string? ReasonOf(PodReading reading) => reading.ExitCode is null ? reading.Words : reading.Reason;

    private async Task<Uri?> EndpointOfAsync(V1Pod pod, CancellationToken cancellationToken)
    {
        var port = pod.Spec.Containers[0].Ports?.FirstOrDefault()?.ContainerPort ?? RuntimeContainer.DefaultPort;
        if (options.Reach == KubernetesReach.PodIp)
        {
            return UriOf(pod.Status.PodIP, port);
        }

        var uid = pod.Metadata.Uid;
        if (!_ports.TryGetValue(uid, out var nodePort))
        {
            var service = await client.FindServiceAsync(pod.Metadata.Name, cancellationToken);
            if (service?.Spec.Ports?.FirstOrDefault()?.NodePort is not { } open)
            {
                return null;
            }

            nodePort = _ports.GetOrAdd(uid, open);
        }

        return UriOf(pod.Status.HostIP, nodePort);
    }

    private async Task<RuntimeKey?> KeyOfAsync(V1Pod pod, CancellationToken cancellationToken)
    {
        if (_keys.TryGetValue(pod.Metadata.Uid, out var known))
        {
            return known;
        }

        var secret = await client.FindSecretAsync(pod.Metadata.Name, cancellationToken);
        RuntimeKey? key =
            secret?.Data?.TryGetValue(KubernetesNames.RuntimeKeyEntry, out var value) == true
                ? new RuntimeKey(Encoding.UTF8.GetString(value))
                : null;
        return secret is null ? null : _keys.GetOrAdd(pod.Metadata.Uid, key);
    }

    private Allocation Show(V1Pod pod, AllocationStatus status)
    {
        var (key, tag) = KubernetesNames.OwnerOf(pod.Metadata)!.Value;
        var tokenize = KubernetesNames.AnnotationOf(pod.Metadata, KubernetesNames.TokenizePath);
        var shape = KubernetesNames.AnnotationOf(pod.Metadata, KubernetesNames.TokenizeShape);
        return new Allocation
        {
            Key = key,
            Tag = tag,
            ProviderAllocationId = IdOf(pod.Metadata.Name, pod.Metadata.Uid),
            Status = status,
            CreatedAt = TimeOf(pod.Metadata.CreationTimestamp),
            Tokenizer =
                tokenize is not null && Enum.TryParse<TokenizeShape>(shape, out var known)
                    ? new RuntimeTokenizer(tokenize, known)
                    : null,
        };
    }

    private string IdOf(string name, string uid) => $"{options.Namespace}/{name}/{uid}";

    private static DateTimeOffset TimeOf(DateTime? time) =>
        time is { } known ? new DateTimeOffset(known.ToUniversalTime(), TimeSpan.Zero) : default;

    private static Uri? UriOf(string? address, int port) =>
        System.Net.IPAddress.TryParse(address, out _) ? new UriBuilder(Uri.UriSchemeHttp, address, port).Uri : null;

    [LoggerMessage(6405, LogLevel.Warning, "Pod {Pod} is ready, but the annotation that says so could not be written")]
    private partial void LogUnmarked(Exception exception, string pod);

    [LoggerMessage(6406, LogLevel.Warning, "The log of pod {Pod}, whose runtime ended, could not be read")]
    private partial void LogNoOutput(Exception exception, string pod);
}
