using System.Globalization;
using System.Text;
using k8s.Models;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;

namespace Scheduler.Providers.Kubernetes;

/// <summary>Builds the objects of one allocation: a secret with all values that may be secret, the pod, and the service of its port.</summary>
/// <remarks>
/// The pod is bare, so that nothing but the adapter replaces it: a second pod under one key must not exist. The secret owns the
/// pod. So a pod that is created late, after the release of its key, is collected by the cluster itself.
/// </remarks>
internal static class PodBuilder
{
    private const string EntryOfVariable = "env.";
    private const decimal BytesPerGib = 1L << 30;

    internal static V1Secret Secret(AllocationRequest request, RuntimeContainer container)
    {
        var data = container.Environment.ToDictionary(
            variable => EntryOfVariable + variable.Key,
            variable => Encoding.UTF8.GetBytes(variable.Value),
            StringComparer.Ordinal
        );
        if (request.RuntimeKey is { } key)
        {
            data[KubernetesNames.RuntimeKeyEntry] = Encoding.UTF8.GetBytes(key.Value);
        }

        return new V1Secret
        {
            Metadata = Meta(request),
            Type = "Opaque",
            Data = data,
            Immutable = true,
        };
    }

    internal static V1Pod Pod(
        AllocationRequest request,
        RuntimePreset preset,
        RuntimeContainer container,
        PodPlacement placement,
        V1Secret owner,
        KubernetesOptions options
    )
    {
        var meta = Meta(request);
        meta.OwnerReferences = [OwnerOf("Secret", owner.Metadata)];
        meta.Annotations[KubernetesNames.OfferId] = request.Offer.OfferId;
        meta.Annotations[KubernetesNames.HealthPath] = container.HealthPath;
        meta.Annotations["cluster-autoscaler.kubernetes.io/safe-to-evict"] = "false";
        meta.Annotations["karpenter.sh/do-not-disrupt"] = "true";
        if (preset.TokenizePath is { } tokenize)
        {
            meta.Annotations[KubernetesNames.TokenizePath] = tokenize;
            meta.Annotations[KubernetesNames.TokenizeShape] = preset.TokenizeShape.ToString();
        }

        if (options.Queue is { } queue)
        {
            meta.Labels["kueue.x-k8s.io/queue-name"] = queue;
        }

        return new V1Pod
        {
            Metadata = meta,
            Spec = new V1PodSpec
            {
                RestartPolicy = "Never",
                AutomountServiceAccountToken = false,
                EnableServiceLinks = false,
                TerminationGracePeriodSeconds = (long)options.StopGrace.TotalSeconds,
                RuntimeClassName = options.RuntimeClass,
                PriorityClassName = options.PriorityClass,
                ImagePullSecrets =
                    options.ImagePullSecrets.Count == 0
                        ? null
                        : [.. options.ImagePullSecrets.Select(name => new V1LocalObjectReference { Name = name })],
                Affinity = new V1Affinity
                {
                    NodeAffinity = new V1NodeAffinity
                    {
                        RequiredDuringSchedulingIgnoredDuringExecution = new V1NodeSelector
                        {
                            NodeSelectorTerms = [.. placement.Terms],
                        },
                    },
                },
                Tolerations = [.. placement.Tolerations],
                Containers = [Container(request, container, placement.Resource, options)],
                Volumes = [.. Volumes(options)],
            },
        };
    }

    /// <summary>A service that opens a port of each node for the pod.</summary>
    internal static V1Service Service(V1Pod pod)
    {
        var container = pod.Spec.Containers[0];
        return new V1Service
        {
            Metadata = new V1ObjectMeta
            {
                Name = pod.Metadata.Name,
                Labels = pod.Metadata.Labels,
                OwnerReferences = [OwnerOf("Pod", pod.Metadata)],
            },
            Spec = new V1ServiceSpec
            {
                Type = "NodePort",
                Selector = new Dictionary<string, string>(StringComparer.Ordinal)
                {
                    [KubernetesNames.Key] = pod.Metadata.Labels[KubernetesNames.Key],
                },
                Ports = [new V1ServicePort { Name = "http", Port = container.Ports[0].ContainerPort }],
                // The pod's own node answers; the port is open on every node, but only this one has the pod.
                ExternalTrafficPolicy = "Local",
            },
        };
    }

    private static V1ObjectMeta Meta(AllocationRequest request) =>
        new()
        {
            Name = KubernetesNames.ObjectOf(request.Key),
            Labels = KubernetesNames.LabelsOf(request.Key, request.Tag),
            Annotations = KubernetesNames.AnnotationsOf(request.Key, request.Tag),
        };

    private static V1OwnerReference OwnerOf(string kind, V1ObjectMeta meta) =>
        new()
        {
            ApiVersion = "v1",
            Kind = kind,
            Name = meta.Name,
            Uid = meta.Uid,
        };

    private static V1Container Container(
        AllocationRequest request,
        RuntimeContainer container,
        string resource,
        KubernetesOptions options
    )
    {
        var gpus = request.Offer.GpuCount;
        // The images' own entry points name programs by their full paths, so they are kept where the engine knows them.
        var arguments = container.Arguments ?? container.Command[1..];
        return new V1Container
        {
            Name = KubernetesNames.Container,
            Image = container.Image,
            Command = container.Arguments is null ? [Literal(container.Command[0])] : null,
            Args = [.. arguments.Select(Literal)],
            Env = [.. Variables(request, container, options)],
            Ports = [new V1ContainerPort { Name = "http", ContainerPort = container.Port }],
            Resources = new V1ResourceRequirements
            {
                Limits = new Dictionary<string, ResourceQuantity>(StringComparer.Ordinal) { [resource] = Amount(gpus) },
                Requests = new Dictionary<string, ResourceQuantity>(StringComparer.Ordinal)
                {
                    [resource] = Amount(gpus),
                    ["cpu"] = new(
                        string.Create(
                            CultureInfo.InvariantCulture,
                            $"{decimal.Ceiling(options.CpuPerGpu * gpus * 1000)}m"
                        )
                    ),
                    ["memory"] = Amount(decimal.Ceiling(options.MemoryGibPerGpu * gpus * BytesPerGib)),
                },
            },
            VolumeMounts = [.. Mounts(options)],
            TerminationMessagePolicy = "FallbackToLogsOnError",
        };
    }

    private static IEnumerable<V1EnvVar> Variables(
        AllocationRequest request,
        RuntimeContainer container,
        KubernetesOptions options
    )
    {
        var secret = KubernetesNames.ObjectOf(request.Key);
        if (HasCache(options) && !container.Environment.ContainsKey("HF_HOME"))
        {
            yield return new V1EnvVar { Name = "HF_HOME", Value = options.ModelCache.MountPath };
        }

        foreach (var name in container.Environment.Keys)
        {
            yield return FromSecret(name, secret, EntryOfVariable + name);
        }
    }

    private static V1EnvVar FromSecret(string name, string secret, string entry) =>
        new()
        {
            Name = name,
            ValueFrom = new V1EnvVarSource
            {
                SecretKeyRef = new V1SecretKeySelector { Name = secret, Key = entry },
            },
        };

    /// <summary>The kubelet replaces <c>$(NAME)</c> by a variable's value; a caller's argument must not name one.</summary>
    private static string Literal(string argument) => argument.Replace("$(", "$$(", StringComparison.Ordinal);

    private static bool HasCache(KubernetesOptions options) =>
        options.ModelCache.Claim is not null || options.ModelCache.HostPath is not null;

    private static IEnumerable<V1Volume> Volumes(KubernetesOptions options)
    {
        yield return new V1Volume
        {
            Name = "shared-memory",
            EmptyDir = new V1EmptyDirVolumeSource
            {
                Medium = "Memory",
                SizeLimit = Amount(RuntimeContainer.SharedMemoryBytes),
            },
        };
        if (options.ModelCache.Claim is { } claim)
        {
            yield return new V1Volume
            {
                Name = "model-cache",
                PersistentVolumeClaim = new V1PersistentVolumeClaimVolumeSource { ClaimName = claim },
            };
        }
        else if (options.ModelCache.HostPath is { } path)
        {
            yield return new V1Volume
            {
                Name = "model-cache",
                HostPath = new V1HostPathVolumeSource { Path = path, Type = "DirectoryOrCreate" },
            };
        }
    }

    private static IEnumerable<V1VolumeMount> Mounts(KubernetesOptions options)
    {
        yield return new V1VolumeMount { Name = "shared-memory", MountPath = "/dev/shm" };
        if (HasCache(options))
        {
            yield return new V1VolumeMount { Name = "model-cache", MountPath = options.ModelCache.MountPath };
        }
    }

    private static ResourceQuantity Amount(decimal amount) => new(amount.ToString("0", CultureInfo.InvariantCulture));
}
