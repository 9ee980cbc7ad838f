using System.ComponentModel.DataAnnotations;
using k8s;
using k8s.Exceptions;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Settings;
using YamlDotNet.Core;

namespace Scheduler.Providers.Kubernetes;

/// <summary>Settings under <c>Providers:Kubernetes</c>.</summary>
internal sealed class KubernetesOptions : ICheckedSettings
{
    internal const string Section = "Providers:Kubernetes";

    private const string IdWords = "1 to 63 of a-z, 0-9 and '-'";
    private const string NameWords = "a name of Kubernetes: 1 to 63 of a-z, 0-9 and '-'";
    private const string Name = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?";

    public bool Enabled { get; set; }

    [Required(ErrorMessage = IdWords)]
    [RegularExpression("[a-z0-9-]{1,63}", ErrorMessage = IdWords)]
    public string Id { get; set; } = "kubernetes";

    /// <summary>Ids of the accounts that may use the cluster; empty for all. Others do not see its offers.</summary>
    public IList<string> OnlyFor { get; set; } = [];

    /// <summary>Path of a kubeconfig file; null inside a cluster, where the pod's service account is used.</summary>
    public string? KubeConfig { get; set; }

    /// <summary>A context of the kubeconfig file; null for its current one.</summary>
    public string? Context { get; set; }

    /// <summary>Namespace of all objects that the adapter makes. It should hold nothing else.</summary>
    [Required(ErrorMessage = NameWords)]
    [RegularExpression(Name, ErrorMessage = NameWords)]
    public string Namespace { get; set; } = "scheduler-runtimes";

    /// <summary>Region of nodes without the label <c>topology.kubernetes.io/region</c>.</summary>
    [Required(ErrorMessage = "1 to 63 characters")]
    [StringLength(63, ErrorMessage = "1 to 63 characters")]
    public string Region { get; set; } = "local";

    public CapacityTier Tier { get; set; } = CapacityTier.Dedicated;

    /// <summary>
    /// EUR of one GPU per hour, by GPU type of the catalogue, ≥ 0. A type without a price is not offered; a free one is stated as 0.
    /// </summary>
    public IDictionary<string, decimal> Prices { get; set; } =
        new Dictionary<string, decimal>(StringComparer.OrdinalIgnoreCase);

    /// <summary>Prices of GPUs on spot nodes; <see cref="Prices"/> for a type that is missing here.</summary>
    public IDictionary<string, decimal> SpotPrices { get; set; } =
        new Dictionary<string, decimal>(StringComparer.OrdinalIgnoreCase);

    /// <summary>GPU type of the catalogue by the value of a node's GPU label, for labels that the adapter cannot read.</summary>
    public IDictionary<string, string> GpuNames { get; set; } =
        new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);

    /// <summary>Labels that a node must have to be used; empty for all nodes with GPUs.</summary>
    public IDictionary<string, string> NodeSelector { get; set; } =
        new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Groups of nodes that an autoscaler can make, also while it has none.</summary>
    public IDictionary<string, KubernetesPoolOptions> Pools { get; set; } =
        new Dictionary<string, KubernetesPoolOptions>(StringComparer.Ordinal);

    /// <summary>Taints that runtimes tolerate, in addition to those of GPU nodes.</summary>
    public IList<KubernetesTolerationOptions> Tolerations { get; set; } = [];

    /// <summary>Processor cores that a pod requests for each GPU.</summary>
    [Range(0.0, 256.0)]
    public decimal CpuPerGpu { get; set; } = 1;

    /// <summary>Main memory that a pod requests for each GPU, GiB. It is no limit.</summary>
    [Range(0.0, 16_384.0)]
    public decimal MemoryGibPerGpu { get; set; } = 4;

    /// <summary>RuntimeClass of the pods, for example <c>nvidia</c>; null for the cluster's default.</summary>
    public string? RuntimeClass { get; set; }

    /// <summary>PriorityClass of the pods; null for the cluster's default.</summary>
    public string? PriorityClass { get; set; }

    /// <summary>Queue of Kueue that admits the pods; null without Kueue.</summary>
    public string? Queue { get; set; }

    /// <summary>Secrets of the namespace with credentials of image registries.</summary>
    public IList<string> ImagePullSecrets { get; set; } = [];

    public KubernetesCacheOptions ModelCache { get; set; } = new();

    /// <summary>How the scheduler and its gateway reach the runtimes.</summary>
    public KubernetesReach Reach { get; set; } = KubernetesReach.PodIp;

    /// <summary>
    /// Whether the network of the cluster encrypts what goes between pods, as some network plugins do with WireGuard. Then launches that
    /// require an encrypted path may use it.
    /// </summary>
    public bool EncryptedPath { get; set; }

    /// <summary>From SIGTERM until SIGKILL.</summary>
    [DurationRange("00:00:00", "01:00:00")]
    public TimeSpan StopGrace { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Pause between two reads of a pod that has not started.</summary>
    [DurationRange("00:00:00.010", "00:10:00")]
    public TimeSpan PollEvery { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Pause between two health checks of a runtime.</summary>
    [DurationRange("00:00:00.010", "01:00:00")]
    public TimeSpan ProbeEvery { get; set; } = TimeSpan.FromSeconds(2);

    [DurationRange("00:00:00.010", "01:00:00")]
    public TimeSpan ProbeTimeout { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>Consecutive error answers after which a runtime that was healthy counts as unhealthy.</summary>
    [Range(1, 1_000)]
    public int UnhealthyAfterProbes { get; set; } = 3;

    /// <summary>How long a runtime that was healthy may answer no health check before it counts as unhealthy.</summary>
    [DurationRange("00:00:00.010", "01:00:00")]
    public TimeSpan UnhealthyAfterSilence { get; set; } = TimeSpan.FromSeconds(30);

    internal ProbeLimits ProbeLimits => new(ProbeEvery, ProbeTimeout, UnhealthyAfterProbes, UnhealthyAfterSilence);

    /// <summary>Limit of one call of the API server. The outcome of a call that took longer is unknown.</summary>
    [DurationRange("00:00:00.100", "00:10:00")]
    public TimeSpan CallTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long one watch request runs. Without any event or bookmark for 1.5 times as long, the pods are listed again.</summary>
    [DurationRange("00:00:00.100", "01:00:00")]
    public TimeSpan WatchTimeout { get; set; } = TimeSpan.FromMinutes(4);

    /// <summary>
    /// How long a pod without a node waits before the adapter asks whether a node may come. If none will, the offer is out of stock.
    /// </summary>
    [DurationRange("00:00:00", "01:00:00")]
    public TimeSpan UnschedulableAfter { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Failed pulls of an image, as the node's events count them, after which the runtime counts as failed.</summary>
    [Range(1, 100)]
    public int ImagePulls { get; set; } = 3;

    /// <summary>
    /// How long a container may report one error before its start without a decision: a pull whose events are missing, or a wrong
    /// container configuration.
    /// </summary>
    [DurationRange("00:00:00", "01:00:00")]
    public TimeSpan StartErrorPatience { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>How long a released key stays refused. Older tombstones are deleted.</summary>
    [DurationRange("01:00:00", "365.00:00:00")]
    public TimeSpan KeepTombstones { get; set; } = TimeSpan.FromDays(7);

    /// <summary>What is wrong with the file, as far as its text shows; no plugin runs for it.</summary>
    private SettingFault? FileFault(string section)
    {
        try
        {
            var config = KubernetesClientConfiguration.LoadKubeConfig(KubeConfig);
            var names = config.Contexts?.Select(context => context.Name).ToList() ?? [];
            return names.Contains(Context ?? config.CurrentContext, StringComparer.OrdinalIgnoreCase)
                ? null
                : new SettingFault(
                    $"{section}:{nameof(Context)}",
                    Context,
                    string.Join(", ", names),
                    $"with the file {KubeConfig}"
                );
        }
        catch (Exception exception) when (exception is IOException or KubeConfigException or YamlException)
        {
            return new SettingFault($"{section}:{nameof(KubeConfig)}", KubeConfig, "a kubeconfig file that exists");
        }
    }

    public IEnumerable<SettingFault> Check(string section)
    {
        foreach (var account in OnlyForAccounts.Check(section, OnlyFor))
        {
            yield return account;
        }

        if (Enabled && string.IsNullOrEmpty(KubeConfig) && !KubernetesClientConfiguration.IsInCluster())
        {
            yield return new SettingFault(
                $"{section}:{nameof(KubeConfig)}",
                KubeConfig,
                "the path of a kubeconfig file",
                "outside a cluster"
            );
        }

        if (Enabled && !string.IsNullOrEmpty(KubeConfig) && FileFault(section) is { } fault)
        {
            yield return fault;
        }

        foreach (
            var (setting, prices) in ((string, IDictionary<string, decimal>)[])
                [(nameof(Prices), Prices), (nameof(SpotPrices), SpotPrices)]
        )
        {
            foreach (var (type, price) in prices.Where(entry => entry.Value is < 0 or > 100_000))
            {
                yield return new SettingFault(
                    $"{section}:{setting}:{type}",
                    price,
                    "0 to 100,000 EUR per GPU and hour"
                );
            }
        }

        if (EncryptedPath && Reach == KubernetesReach.NodePort)
        {
            yield return new SettingFault(
                $"{section}:{nameof(EncryptedPath)}",
                true,
                "false, since the way to a node's port is HTTP",
                $"with {nameof(Reach)} {KubernetesReach.NodePort}"
            );
        }

        if (ModelCache.Claim is not null && ModelCache.HostPath is not null)
        {
            yield return new SettingFault(
                $"{section}:{nameof(ModelCache)}:{nameof(ModelCache.HostPath)}",
                ModelCache.HostPath,
                "no value",
                $"with {nameof(ModelCache.Claim)}"
            );
        }
    }
}

internal enum KubernetesReach
{
    /// <summary>By the pod's address: the scheduler runs in the cluster, or its network is routed to the pods.</summary>
    PodIp = 0,

    /// <summary>By a port of the pod's node, which a service of type NodePort opens: the scheduler reaches the nodes.</summary>
    NodePort = 1,
}

/// <summary>Nodes that an autoscaler makes on demand.</summary>
internal sealed class KubernetesPoolOptions
{
    /// <summary>GPU type of the catalogue.</summary>
    [Required(ErrorMessage = "a GPU type of the catalogue")]
    public string GpuType { get; set; } = "";

    /// <summary>GPUs of one node.</summary>
    [Range(1, 64)]
    public int GpuCount { get; set; } = 1;

    /// <summary>Most nodes of the pool.</summary>
    [Range(1, 100_000)]
    public int Max { get; set; } = 1;

    /// <summary>Labels that the pool's nodes get.</summary>
    [Required(ErrorMessage = "at least one label of the pool's nodes")]
    [MinLength(1, ErrorMessage = "at least one label of the pool's nodes")]
    public IDictionary<string, string> Selector { get; set; } = new Dictionary<string, string>(StringComparer.Ordinal);

    public IList<KubernetesTolerationOptions> Tolerations { get; set; } = [];

    public bool Spot { get; set; }

    /// <summary>Null for the region of nodes without a label.</summary>
    public string? Region { get; set; }

    /// <summary>EUR of one GPU per hour; null for the price of the GPU type.</summary>
    [Range(0.0, 100_000.0)]
    public decimal? PricePerGpuHour { get; set; }

    /// <summary>Resource that the pods request.</summary>
    [AllowedValues("nvidia.com/gpu", "amd.com/gpu", ErrorMessage = "nvidia.com/gpu or amd.com/gpu")]
    public string Resource { get; set; } = "nvidia.com/gpu";
}

/// <summary>One taint that pods tolerate.</summary>
internal sealed class KubernetesTolerationOptions
{
    [Required(ErrorMessage = "the key of a taint")]
    public string Key { get; set; } = "";

    /// <summary>Null for any value.</summary>
    public string? Value { get; set; }

    /// <summary>Null for any effect.</summary>
    [AllowedValues(
        null,
        "NoSchedule",
        "PreferNoSchedule",
        "NoExecute",
        ErrorMessage = "NoSchedule, PreferNoSchedule, NoExecute or no value"
    )]
    public string? Effect { get; set; }
}

/// <summary>Where pods keep downloaded models; without one of the two, each pod downloads its model again.</summary>
internal sealed class KubernetesCacheOptions
{
    /// <summary>A PersistentVolumeClaim of the namespace that many nodes may mount.</summary>
    public string? Claim { get; set; }

    /// <summary>A directory of the node, created if it does not exist.</summary>
    public string? HostPath { get; set; }

    /// <summary>Where the container sees it; <c>HF_HOME</c> points there.</summary>
    [RegularExpression("/[A-Za-z0-9._/-]{1,200}", ErrorMessage = "an absolute path in the container")]
    public string MountPath { get; set; } = "/model-cache";
}
