using System.Net;
using k8s;
using k8s.Autorest;
using k8s.Models;
using Scheduler.Domain.Runtimes;

namespace Scheduler.Providers.Kubernetes;

/// <summary>The calls of the API server that the adapter makes. Each has a time limit; the official client has no retries.</summary>
internal sealed partial class KubernetesClient : IDisposable
{
    /// <summary>Objects of one answer. Larger lists are read in chunks.</summary>
    private const int ChunkSize = 500;

    /// <summary>Lines of a log that the API server is asked for.</summary>
    private const int LogLines = 2_000;

    /// <summary>Bytes of a log that are read at most; a runtime may print lines of any length.</summary>
    private const int MaxLogBytes = 16 << 20;

    private readonly KubernetesOptions _options;
    private readonly TimeProvider _clock;
    private readonly Lock _gate = new();
    private volatile k8s.Kubernetes _api;
    private k8s.Kubernetes? _retired;
    private DateTimeOffset _reloadedAt = DateTimeOffset.MinValue;

    internal KubernetesClient(KubernetesOptions options, TimeProvider clock)
    {
        _options = options;
        _clock = clock;
        _api = Load();
    }

    /// <summary>Access by a kubeconfig file, or by the service account of this pod.</summary>
    private static KubernetesClientConfiguration AccessOf(KubernetesOptions options) =>
        string.IsNullOrEmpty(options.KubeConfig)
            ? KubernetesClientConfiguration.InClusterConfig()
            : KubernetesClientConfiguration.BuildConfigFromConfigFile(options.KubeConfig, options.Context);

    internal Task<List<V1Node>> ListNodesAsync(CancellationToken cancellationToken) =>
        ListAsync<V1NodeList, V1Node>(
            (more, late) =>
                _api.CoreV1.ListNodeAsync(limit: ChunkSize, continueParameter: more, cancellationToken: late),
            cancellationToken
        );

    /// <summary>Pods of all namespaces that hold or ask for resources.</summary>
    internal Task<List<V1Pod>> ListUnfinishedPodsAsync(CancellationToken cancellationToken) =>
        ListAsync<V1PodList, V1Pod>(
            (more, late) =>
                _api.CoreV1.ListPodForAllNamespacesAsync(
                    fieldSelector: "status.phase!=Succeeded,status.phase!=Failed",
                    limit: ChunkSize,
                    continueParameter: more,
                    cancellationToken: late
                ),
            cancellationToken
        );

    internal async Task<List<V1Pod>> ListPodsAsync(string selector, CancellationToken cancellationToken) =>
        (await ListPodsWithVersionAsync(selector, cancellationToken)).Pods;

    /// <summary>The pods, and the version from which a watch continues this list.</summary>
    internal async Task<(List<V1Pod> Pods, string Version)> ListPodsWithVersionAsync(
        string selector,
        CancellationToken cancellationToken
    )
    {
        var version = "";
        var pods = await ListAsync<V1PodList, V1Pod>(
            async (more, late) =>
            {
                var page = await _api.CoreV1.ListNamespacedPodAsync(
                    _options.Namespace,
                    labelSelector: selector,
                    limit: ChunkSize,
                    continueParameter: more,
                    cancellationToken: late
                );
                version = page.Metadata.ResourceVersion;
                return page;
            },
            cancellationToken
        );
        return (pods, version);
    }

    /// <summary>Changes after a version, with bookmarks. The sequence ends whenever the server closes it, without notice.</summary>
    /// <param name="onError">Receives what the server reports within the stream, for example that the version expired.</param>
    internal IAsyncEnumerable<(WatchEventType Type, V1Pod Pod)> WatchPodsAsync(
        string selector,
        string version,
        Action<Exception> onError,
        CancellationToken cancellationToken
    ) =>
        _api.CoreV1.WatchListNamespacedPodAsync(
            _options.Namespace,
            allowWatchBookmarks: true,
            labelSelector: selector,
            resourceVersion: version,
            timeoutSeconds: (int)Math.Max(1, _options.WatchTimeout.TotalSeconds),
            onError: onError,
            cancellationToken: cancellationToken
        );

    internal Task<V1Pod?> FindPodAsync(string name, CancellationToken cancellationToken) =>
        FindAsync(
            late => _api.CoreV1.ReadNamespacedPodAsync(name, _options.Namespace, cancellationToken: late),
            cancellationToken
        );

    /// <returns>Null if a pod of that name exists.</returns>
    internal Task<V1Pod?> CreatePodAsync(V1Pod pod, CancellationToken cancellationToken) =>
        CreateAsync(
            late => _api.CoreV1.CreateNamespacedPodAsync(pod, _options.Namespace, cancellationToken: late),
            cancellationToken
        );

    /// <summary>Asks for the deletion of exactly this pod; no effect if it is gone or if another pod has its name.</summary>
    internal Task DeletePodAsync(V1Pod pod, CancellationToken cancellationToken) =>
        DeleteAsync(
            late =>
                _api.CoreV1.DeleteNamespacedPodAsync(
                    pod.Metadata.Name,
                    _options.Namespace,
                    new V1DeleteOptions
                    {
                        GracePeriodSeconds = (long)_options.StopGrace.TotalSeconds,
                        PropagationPolicy = "Background",
                        Preconditions = new V1Preconditions { Uid = pod.Metadata.Uid },
                    },
                    cancellationToken: late
                ),
            cancellationToken
        );

    internal Task AnnotatePodAsync(string name, string annotation, string value, CancellationToken cancellationToken) =>
        CallAsync(
            late =>
                _api.CoreV1.PatchNamespacedPodAsync(
                    Annotating(annotation, value),
                    name,
                    _options.Namespace,
                    cancellationToken: late
                ),
            cancellationToken
        );

    internal Task<V1Secret?> FindSecretAsync(string name, CancellationToken cancellationToken) =>
        FindAsync(
            late => _api.CoreV1.ReadNamespacedSecretAsync(name, _options.Namespace, cancellationToken: late),
            cancellationToken
        );

    internal Task<List<V1Secret>> ListSecretsAsync(string selector, CancellationToken cancellationToken) =>
        ListAsync<V1SecretList, V1Secret>(
            (more, late) =>
                _api.CoreV1.ListNamespacedSecretAsync(
                    _options.Namespace,
                    labelSelector: selector,
                    limit: ChunkSize,
                    continueParameter: more,
                    cancellationToken: late
                ),
            cancellationToken
        );

    /// <returns>Null if a secret of that name exists.</returns>
    internal Task<V1Secret?> CreateSecretAsync(V1Secret secret, CancellationToken cancellationToken) =>
        CreateAsync(
            late => _api.CoreV1.CreateNamespacedSecretAsync(secret, _options.Namespace, cancellationToken: late),
            cancellationToken
        );

    internal Task AnnotateSecretAsync(
        string name,
        string annotation,
        string value,
        CancellationToken cancellationToken
    ) =>
        CallAsync(
            late =>
                _api.CoreV1.PatchNamespacedSecretAsync(
                    Annotating(annotation, value),
                    name,
                    _options.Namespace,
                    cancellationToken: late
                ),
            cancellationToken
        );

    internal Task DeleteSecretAsync(string name, CancellationToken cancellationToken) =>
        DeleteAsync(
            late => _api.CoreV1.DeleteNamespacedSecretAsync(name, _options.Namespace, cancellationToken: late),
            cancellationToken
        );

    internal async Task<bool> HasConfigMapAsync(string name, CancellationToken cancellationToken) =>
        await FindAsync(
            late => _api.CoreV1.ReadNamespacedConfigMapAsync(name, _options.Namespace, cancellationToken: late),
            cancellationToken
        )
            is not null;

    internal Task<List<V1ConfigMap>> ListConfigMapsAsync(string selector, CancellationToken cancellationToken) =>
        ListAsync<V1ConfigMapList, V1ConfigMap>(
            (more, late) =>
                _api.CoreV1.ListNamespacedConfigMapAsync(
                    _options.Namespace,
                    labelSelector: selector,
                    limit: ChunkSize,
                    continueParameter: more,
                    cancellationToken: late
                ),
            cancellationToken
        );

    /// <returns>Null if a config map of that name exists.</returns>
    internal Task<V1ConfigMap?> CreateConfigMapAsync(V1ConfigMap map, CancellationToken cancellationToken) =>
        CreateAsync(
            late => _api.CoreV1.CreateNamespacedConfigMapAsync(map, _options.Namespace, cancellationToken: late),
            cancellationToken
        );

    internal Task DeleteConfigMapAsync(string name, CancellationToken cancellationToken) =>
        DeleteAsync(
            late => _api.CoreV1.DeleteNamespacedConfigMapAsync(name, _options.Namespace, cancellationToken: late),
            cancellationToken
        );

    internal Task<V1Service?> FindServiceAsync(string name, CancellationToken cancellationToken) =>
        FindAsync(
            late => _api.CoreV1.ReadNamespacedServiceAsync(name, _options.Namespace, cancellationToken: late),
            cancellationToken
        );

    /// <returns>Null if a service of that name exists.</returns>
    internal Task<V1Service?> CreateServiceAsync(V1Service service, CancellationToken cancellationToken) =>
        CreateAsync(
            late => _api.CoreV1.CreateNamespacedServiceAsync(service, _options.Namespace, cancellationToken: late),
            cancellationToken
        );

    internal Task DeleteServiceAsync(string name, CancellationToken cancellationToken) =>
        DeleteAsync(
            late => _api.CoreV1.DeleteNamespacedServiceAsync(name, _options.Namespace, cancellationToken: late),
            cancellationToken
        );

    /// <summary>Events about pods of a name, oldest first. The cluster keeps them for about an hour.</summary>
    internal async Task<List<Corev1Event>> ListEventsAsync(string pod, CancellationToken cancellationToken)
    {
        var events = await ListAsync<Corev1EventList, Corev1Event>(
            (more, late) =>
                _api.CoreV1.ListNamespacedEventAsync(
                    _options.Namespace,
                    fieldSelector: $"involvedObject.kind=Pod,involvedObject.name={pod}",
                    limit: ChunkSize,
                    continueParameter: more,
                    cancellationToken: late
                ),
            cancellationToken
        );
        return [.. events.OrderBy(one => one.LastTimestamp ?? one.EventTime ?? one.Metadata.CreationTimestamp)];
    }

    /// <summary>The end of a container's output; empty while it is created and after its pod is gone.</summary>
    internal async Task<string> ReadLogAsync(string pod, CancellationToken cancellationToken)
    {
        using var call = Limit(cancellationToken);
        try
        {
            await using var log = await _api.CoreV1.ReadNamespacedPodLogAsync(
                pod,
                _options.Namespace,
                container: KubernetesNames.Container,
                tailLines: LogLines,
                cancellationToken: call.Token
            );
            using var reader = new StreamReader(log);
            var excerpt = new OutputExcerpt(RuntimeExit.MaxOutputTailChars);
            var buffer = new char[16 << 10];
            var all = 0;
            for (
                var read = await reader.ReadAsync(buffer, call.Token);
                read > 0 && all < MaxLogBytes;
                read = await reader.ReadAsync(buffer, call.Token)
            )
            {
                excerpt.Append(buffer.AsSpan(0, read));
                all += read;
            }

            return excerpt.End();
        }
        catch (HttpOperationException exception)
            when (KubernetesFailures.CodeOf(exception) is HttpStatusCode.BadRequest or HttpStatusCode.NotFound)
        {
            // 400: the container is being created.
            return "";
        }
    }

    public void Dispose()
    {
        _api.Dispose();
        _retired?.Dispose();
    }
}
