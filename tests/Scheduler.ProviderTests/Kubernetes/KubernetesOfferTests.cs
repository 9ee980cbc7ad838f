using k8s.Models;
using Scheduler.Domain.Providers;
using Scheduler.ModelFit;
using Scheduler.Providers.Kubernetes;
using Xunit;

namespace Scheduler.ProviderTests.Kubernetes;

/// <summary>Nodes, pods and pools to offers.</summary>
public sealed class KubernetesOfferTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("NVIDIA-H100-80GB-HBM3", "81559", "H100-80GB-SXM")]
    [InlineData("NVIDIA-H100-80GB-HBM3", "81920", "H100-80GB-SXM")]
    [InlineData("NVIDIA-H100-PCIe", "81559", "H100-80GB-PCIe")]
    [InlineData("NVIDIA-H100-NVL", "95830", "H100-94GB-NVL")]
    [InlineData("NVIDIA-H200", "143771", "H200-141GB-SXM")]
    [InlineData("NVIDIA-A100-SXM4-80GB", "81920", "A100-80GB-SXM")]
    [InlineData("NVIDIA-A100-SXM4-40GB", "40960", "A100-40GB-SXM")]
    [InlineData("NVIDIA-A100-80GB-PCIe", "81920", "A100-80GB-PCIe")]
    [InlineData("Tesla-T4", "15360", "T4")]
    [InlineData("NVIDIA-L4", "23034", "L4")]
    [InlineData("NVIDIA-L40S", "46068", "L40S")]
    [InlineData("NVIDIA-A10G", "23028", "A10G")]
    [InlineData("NVIDIA-GeForce-RTX-4090", "24564", "RTX4090")]
    [InlineData("NVIDIA-B200", "183359", "B200-SXM")]
    [InlineData("NVIDIA-Unheard-Of", "81559", null)]
    public void The_label_of_the_product_names_the_type(string product, string mib, string? type)
    {
        var (gpu, skipped) = Read(Node(("nvidia.com/gpu.product", product), ("nvidia.com/gpu.memory", mib)));

        Assert.Equal(type, gpu?.Type);
        Assert.Equal(type is null ? "unknown_gpu" : null, skipped);
    }

    [Theory]
    [InlineData("cloud.google.com/gke-accelerator", "nvidia-tesla-t4", "T4")]
    [InlineData("cloud.google.com/gke-accelerator", "nvidia-l4", "L4")]
    [InlineData("cloud.google.com/gke-accelerator", "nvidia-h100-80gb", "H100-80GB-PCIe")]
    [InlineData("karpenter.k8s.aws/instance-gpu-name", "l40s", "L40S")]
    [InlineData("skypilot.co/accelerator", "h100", "H100-80GB-PCIe")]
    public void A_label_of_the_cloud_names_the_type_where_discovery_is_missing(
        string label,
        string value,
        string type
    ) => Assert.Equal(type, Read(Node((label, value))).Gpu?.Type);

    [Theory]
    [InlineData("amd.com/gpu.device-id", "74a1", "MI300X")]
    [InlineData("beta.amd.com/gpu.device-id.74a5", "8", "MI325X")]
    [InlineData("amd.com/gpu.product-name", "AMD_Instinct_MI300X_OAM", "MI300X")]
    public void The_id_of_the_device_names_an_AMD_GPU(string label, string value, string type)
    {
        var node = Node((label, value));
        node.Status.Allocatable = Amounts(("amd.com/gpu", "8"));

        Assert.Equal(("amd.com/gpu", type), (Read(node).Gpu?.Resource, Read(node).Gpu?.Type));
    }

    [Fact]
    public void The_operator_s_name_of_a_label_goes_first()
    {
        var options = Options();
        options.GpuNames["NVIDIA-Unheard-Of"] = "L4";

        var (gpu, _) = NodeGpus.Read(Node(("nvidia.com/gpu.product", "NVIDIA-Unheard-Of")), options, Resolve);

        Assert.Equal("L4", gpu?.Type);
    }

    [Theory]
    [InlineData("nvidia.com/gpu.product", "NVIDIA-A100-SXM4-80GB-MIG-1g.10gb", "mig")]
    [InlineData("nvidia.com/gpu.product", "NVIDIA-H100-80GB-HBM3-SHARED", "shared_gpu")]
    [InlineData("nvidia.com/gpu.sharing-strategy", "time-slicing", "shared_gpu")]
    [InlineData("nvidia.com/gpu.sharing-strategy", "mps", "shared_gpu")]
    [InlineData("nvidia.com/gpu.count", "2", "shared_gpu")]
    public void Parts_of_GPUs_are_skipped_with_a_reason(string label, string value, string reason)
    {
        var node = Node(("nvidia.com/gpu.product", "NVIDIA-H100-80GB-HBM3"), ("nvidia.com/gpu.memory", "81559"));
        node.Metadata.Labels[label] = value;

        Assert.Equal((null, reason), Read(node));
    }

    [Fact]
    public void Nodes_that_take_no_pod_are_skipped_with_a_reason()
    {
        var cordoned = H100("cordoned");
        cordoned.Spec.Unschedulable = true;
        var lost = H100("lost");
        lost.Status.Conditions = [new V1NodeCondition { Type = "Ready", Status = "Unknown" }];
        var tainted = H100("tainted");
        tainted.Spec.Taints =
        [
            new V1Taint
            {
                Key = "team",
                Value = "other",
                Effect = "NoSchedule",
            },
        ];
        var preferred = H100("preferred");
        preferred.Spec.Taints =
        [
            new V1Taint
            {
                Key = "team",
                Value = "other",
                Effect = "PreferNoSchedule",
            },
        ];
        var sliced = H100("sliced");
        sliced.Status.Allocatable = Amounts(("nvidia.com/mig-3g.20gb", "2"));
        var plain = H100("plain");
        plain.Status.Allocatable = Amounts(("cpu", "8"));
        var unpriced = Node(("nvidia.com/gpu.product", "Tesla-T4"), ("nvidia.com/gpu.memory", "15360"));

        var view = View(Options(), [cordoned, lost, tainted, preferred, sliced, plain, unpriced]);

        Assert.Equal(
            ["mig=1", "no_price=1", "node_cordoned=1", "node_not_ready=1", "node_tainted=1"],
            view.Skipped.Select(one => $"{one.Key}={one.Value}")
        );
        Assert.Equal(8, view.Offers["eu-1/on-demand/H100-80GB-SXM:1"].Offer.Available);
    }

    [Fact]
    public void A_configured_toleration_opens_a_tainted_node()
    {
        var tainted = H100("tainted");
        tainted.Spec.Taints =
        [
            new V1Taint
            {
                Key = "team",
                Value = "ai",
                Effect = "NoSchedule",
            },
        ];
        var options = Options();
        options.Tolerations.Add(new KubernetesTolerationOptions { Key = "team", Value = "ai" });

        var view = View(options, [tainted]);

        var toleration = view.Offers.Values.First().Placement.Tolerations[^1];
        Assert.Equal(("team", "Equal", "ai"), (toleration.Key, toleration.OperatorProperty, toleration.Value));
    }

    [Fact]
    public void Free_is_what_bound_pods_leave_and_sizes_are_those_of_one_node()
    {
        var view = View(
            Options(),
            [H100("a"), H100("b", gpus: "4")],
            [Pod("a", "5"), Pod("a", "1", phase: "Running"), Pod(null, "1")]
        );

        // Node a has 2 of 8, node b 4 of 4.
        Assert.Equal(
            [("1", 6), ("2", 3), ("4", 1), ("8", 0)],
            view.Offers.Values.Select(one => (one.Offer.OfferId[^1..], one.Offer.Available)).Order()
        );
        Assert.Equal(5_000_000, view.Offers["eu-1/on-demand/H100-80GB-SXM:2"].Offer.PricePerHour.Value);
    }

    [Fact]
    public void Processors_and_memory_limit_what_fits()
    {
        var node = H100("a");
        node.Status.Allocatable["cpu"] = new ResourceQuantity("3500m");

        Assert.Equal(3, View(Options(), [node]).Offers["eu-1/on-demand/H100-80GB-SXM:1"].Offer.Available);

        node.Status.Allocatable["memory"] = new ResourceQuantity("9Gi");
        Assert.Equal(2, View(Options(), [node]).Offers["eu-1/on-demand/H100-80GB-SXM:1"].Offer.Available);
    }

    [Fact]
    public void Our_pods_that_wait_take_what_is_free_next()
    {
        var waiting = Pod(null, "2");
        waiting.Metadata.Annotations = new Dictionary<string, string>
        {
            ["scheduler/offer"] = "eu-1/on-demand/H100-80GB-SXM:2",
        };

        var view = View(Options(), [H100("a")], [waiting]);

        Assert.Equal(6, view.Offers["eu-1/on-demand/H100-80GB-SXM:1"].Offer.Available);
        Assert.Equal(3, view.Offers["eu-1/on-demand/H100-80GB-SXM:2"].Offer.Available);
    }

    [Theory]
    [InlineData("karpenter.sh/capacity-type", "spot")]
    [InlineData("cloud.google.com/gke-spot", "true")]
    [InlineData("eks.amazonaws.com/capacityType", "SPOT")]
    [InlineData("kubernetes.azure.com/scalesetpriority", "spot")]
    public void Spot_nodes_are_offers_of_their_own(string label, string value)
    {
        var spot = H100("spot");
        spot.Metadata.Labels[label] = value;
        spot.Spec.Taints =
        [
            new V1Taint
            {
                Key = label,
                Value = value,
                Effect = "NoSchedule",
            },
        ];
        var options = Options();
        options.SpotPrices["H100-80GB-SXM"] = 1;

        var view = View(options, [spot, H100("b")]);

        var offer = view.Offers["eu-1/spot/H100-80GB-SXM:1"];
        Assert.Equal((true, 1_000_000L), (offer.Offer.Spot, offer.Offer.PricePerHour.Value));
        Assert.Contains(
            offer.Placement.Terms[0].MatchExpressions,
            rule => rule.Key == label && rule.OperatorProperty == "In"
        );
        var other = view.Offers["eu-1/on-demand/H100-80GB-SXM:1"];
        Assert.Equal((false, 8), (other.Offer.Spot, other.Offer.Available));
        Assert.Contains(
            other.Placement.Terms[0].MatchExpressions,
            rule => rule.Key == label && rule.OperatorProperty == "NotIn"
        );
    }

    [Fact]
    public void A_price_of_zero_counts_only_if_it_is_stated()
    {
        var options = Options();
        options.Prices["H100-80GB-SXM"] = 0;

        Assert.All(View(options, [H100("a")]).Offers.Values, one => Assert.Equal(0, one.Offer.PricePerHour.Value));
    }

    [Fact]
    public void A_pool_without_nodes_is_offered_up_to_its_limit()
    {
        var options = Options();
        options.Pools["big"] = new KubernetesPoolOptions
        {
            GpuType = "H100-80GB-SXM",
            GpuCount = 8,
            Max = 2,
            Selector = { ["pool"] = "big" },
            Spot = true,
            Region = "us-1",
            PricePerGpuHour = 3,
        };
        var existing = H100("one");
        existing.Metadata.Labels["pool"] = "big";

        var empty = View(options, []).Offers["pool:big/H100-80GB-SXM:4"].Offer;
        var half = View(options, [existing]).Offers["pool:big/H100-80GB-SXM:4"].Offer;

        Assert.Equal(
            (4, "us-1", true, 12_000_000L),
            (empty.Available, empty.Region, empty.Spot, empty.PricePerHour.Value)
        );
        Assert.Equal(2, half.Available);
    }

    [Fact]
    public async Task A_list_in_chunks_and_with_an_expired_continuation_is_complete()
    {
        await using var world = await KubernetesWorld.StartAsync(Ct);
        (world.Server.Quirks.MaxChunk, world.Server.Quirks.ContinuesExpired) = (1, 1);

        var listing = await world.Open().ListOffersAsync(Ct);

        Assert.Equal(3, listing.Offers.Single(offer => offer.OfferId == KubernetesWorld.OfferId).Available);
    }

    [Fact]
    public async Task A_pool_at_zero_makes_a_node_for_the_pod()
    {
        await using var world = await KubernetesWorld.StartAsync(Ct);
        world.Server.Quirks.AutoscalerMakes = TimeSpan.FromMilliseconds(100);
        var provider = world.Open(WithPool);

        var outcome = await provider.AllocateAsync(
            KubernetesWorld.Request("i-pool-r1-a1", offer: "pool:a100/A100-80GB-SXM:1"),
            Ct
        );

        Assert.True(outcome.IsAllocated, outcome.Rejection?.ProviderWords);
        Assert.Contains(world.Server.All("nodes"), node => node["metadata"]!["labels"]!["pool"]?.ToString() == "a100");
    }

    [Fact]
    public async Task An_autoscaler_that_makes_no_node_is_out_of_stock_in_its_words()
    {
        await using var world = await KubernetesWorld.StartAsync(Ct);
        world.Server.Quirks.AutoscalerRefuses = true;
        var provider = world.Open(WithPool);

        var outcome = await provider.AllocateAsync(
            KubernetesWorld.Request("i-pool-r1-a1", offer: "pool:a100/A100-80GB-SXM:1"),
            Ct
        );

        Assert.Equal(RejectionKind.OutOfStock, outcome.Rejection?.Kind);
        Assert.Contains("max node group size reached", outcome.Rejection!.ProviderWords, StringComparison.Ordinal);
        Assert.Empty(world.Server.All("pods"));
    }

    private static void WithPool(KubernetesOptions options) =>
        options.Pools["a100"] = new KubernetesPoolOptions
        {
            GpuType = "A100-80GB-SXM",
            GpuCount = 1,
            Max = 1,
            Selector = { ["pool"] = "a100" },
            PricePerGpuHour = 1,
        };

    private static KubernetesOptions Options() => new() { Prices = { ["H100-80GB-SXM"] = 2.5m } };

    private static CapacityView View(KubernetesOptions options, V1Node[] nodes, V1Pod[]? pods = null) =>
        new KubernetesCapacity(options, Resolve).Of(nodes, pods ?? []);

    private static (NodeGpu? Gpu, string? Skipped) Read(V1Node node) => NodeGpus.Read(node, Options(), Resolve);

    private static string? Resolve(string gpu, double gib, string type) =>
        GpuCatalogue.Shipped.Resolve(gpu, gib, type)?.Name;

    private static V1Node H100(string name, string gpus = "8")
    {
        var node = Node(
            ("nvidia.com/gpu.product", "NVIDIA-H100-80GB-HBM3"),
            ("nvidia.com/gpu.memory", "81559"),
            ("topology.kubernetes.io/region", "eu-1")
        );
        node.Metadata.Name = name;
        node.Status.Allocatable["nvidia.com/gpu"] = new ResourceQuantity(gpus);
        return node;
    }

    private static V1Node Node(params (string Key, string Value)[] labels) =>
        new()
        {
            Metadata = new V1ObjectMeta
            {
                Name = "node",
                Labels = labels.ToDictionary(label => label.Key, label => label.Value),
            },
            Spec = new V1NodeSpec(),
            Status = new V1NodeStatus
            {
                Allocatable = Amounts(("nvidia.com/gpu", "8"), ("cpu", "64"), ("memory", "512Gi"), ("pods", "110")),
                Conditions = [new V1NodeCondition { Type = "Ready", Status = "True" }],
            },
        };

    private static Dictionary<string, ResourceQuantity> Amounts(params (string Name, string Amount)[] amounts) =>
        amounts.ToDictionary(one => one.Name, one => new ResourceQuantity(one.Amount));

    private static V1Pod Pod(string? node, string gpus, string phase = "Pending") =>
        new()
        {
            Metadata = new V1ObjectMeta { Name = "other" },
            Spec = new V1PodSpec
            {
                NodeName = node,
                Containers =
                [
                    new V1Container
                    {
                        Name = "other",
                        Resources = new V1ResourceRequirements { Limits = Amounts(("nvidia.com/gpu", gpus)) },
                    },
                ],
            },
            Status = new V1PodStatus { Phase = phase },
        };
}
