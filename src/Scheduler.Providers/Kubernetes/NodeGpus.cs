using System.Collections.Frozen;
using System.Globalization;
using k8s.Models;

namespace Scheduler.Providers.Kubernetes;

/// <summary>Reads from a node's labels which GPUs it has and whether pods get whole ones.</summary>
/// <remarks>
/// Sources: NVIDIA's GPU feature discovery (docs/gpu-feature-discovery of NVIDIA/k8s-device-plugin) and AMD's node labeller
/// (ROCm/k8s-device-plugin). GKE, Karpenter and Nebius set labels of their own on the nodes of a pool.
/// </remarks>
internal static class NodeGpus
{
    internal const string Nvidia = "nvidia.com/gpu";
    internal const string Amd = "amd.com/gpu";

    private const string NvidiaProduct = "nvidia.com/gpu.product";
    private const string NvidiaMemory = "nvidia.com/gpu.memory";
    private const string NvidiaSharing = "nvidia.com/gpu.sharing-strategy";
    private const string AmdDevice = "amd.com/gpu.device-id";
    private const string AmdDeviceCount = "beta.amd.com/gpu.device-id.";
    private const double MibPerGib = 1024;

    /// <summary>PCI ids of AMD's accelerators, which are set even where the product name is missing.</summary>
    private static readonly FrozenDictionary<string, string> AmdDevices = new Dictionary<string, string>(
        StringComparer.OrdinalIgnoreCase
    )
    {
        ["740f"] = "MI210",
        ["7408"] = "MI250X",
        ["74a1"] = "MI300X",
        ["74b5"] = "MI300X",
        ["74a5"] = "MI325X",
        ["75a3"] = "MI355X",
    }.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    /// <summary>Labels that name the GPU, the most precise first, with the label of its memory if there is one.</summary>
    private static readonly (string Label, string? MemoryMib)[] NvidiaLabels =
    [
        (NvidiaProduct, NvidiaMemory),
        ("cloud.google.com/gke-accelerator", null),
        ("karpenter.k8s.aws/instance-gpu-name", "karpenter.k8s.aws/instance-gpu-memory"),
        ("nebius.com/gpu-name", null),
        ("skypilot.co/accelerator", null),
    ];

    /// <summary>The node's GPUs, a reason why it offers none, or neither if it has no GPUs.</summary>
    internal static (NodeGpu? Gpu, string? Skipped) Read(
        V1Node node,
        KubernetesOptions options,
        GpuNameResolver resolver
    )
    {
        var allocatable = node.Status?.Allocatable;
        var nvidia = NodeAmounts.Of(allocatable, Nvidia);
        var amd = NodeAmounts.Of(allocatable, Amd);
        var labels = node.Metadata.Labels ?? new Dictionary<string, string>(StringComparer.Ordinal);
        if (nvidia < 1 && amd < 1)
        {
            var hasSlices = allocatable?.Keys.Any(name => name.StartsWith("nvidia.com/mig-", StringComparison.Ordinal));
            return (null, hasSlices == true ? "mig" : null);
        }

        if (nvidia >= 1 && SharedBecause(labels, nvidia) is { } shared)
        {
            return (null, shared);
        }

        var found = nvidia >= 1 ? NvidiaOf(labels, options, resolver) : AmdOf(labels, options, resolver);
        return found is { } gpu
            ? (
                new NodeGpu(
                    nvidia >= 1 ? Nvidia : Amd,
                    gpu.Type,
                    gpu.Label,
                    gpu.Value,
                    (int)Math.Min(nvidia >= 1 ? nvidia : amd, 1024)
                ),
                null
            )
            : (null, "unknown_gpu");
    }

    /// <summary>Requirements that a node with whole NVIDIA GPUs fulfils also when it came after the offers were read.</summary>
    internal static IEnumerable<V1NodeSelectorRequirement> WholeOnly(string resource)
    {
        if (resource == Nvidia)
        {
            yield return new V1NodeSelectorRequirement
            {
                Key = NvidiaSharing,
                OperatorProperty = "NotIn",
                Values = ["time-slicing", "mps"],
            };
        }
    }

    private static string? SharedBecause(IDictionary<string, string> labels, decimal allocatable)
    {
        var product = labels.TryGetValue(NvidiaProduct, out var name) ? name : "";
        if (product.Contains("-MIG-", StringComparison.OrdinalIgnoreCase))
        {
            return "mig";
        }

        var isShared =
            product.EndsWith("-SHARED", StringComparison.OrdinalIgnoreCase)
            || (labels.TryGetValue(NvidiaSharing, out var strategy) && strategy is not ("none" or ""))
            || (
                labels.TryGetValue("nvidia.com/gpu.count", out var count)
                && NumberOf(count) is { } physical and > 0
                && allocatable > (decimal)physical
            );
        return isShared ? "shared_gpu" : null;
    }

    private static (string Type, string Label, string Value)? NvidiaOf(
        IDictionary<string, string> labels,
        KubernetesOptions options,
        GpuNameResolver resolver
    )
    {
        foreach (var (label, memoryLabel) in NvidiaLabels)
        {
            if (!labels.TryGetValue(label, out var value) || value.Length is 0 or > 63)
            {
                continue;
            }

            var gib =
                memoryLabel is not null && labels.TryGetValue(memoryLabel, out var mib)
                    ? NumberOf(mib) / MibPerGib
                    : null;
            if (TypeOf(value, gib, options, resolver) is { } type)
            {
                return (type, label, value);
            }
        }

        return null;
    }

    private static (string Type, string Label, string Value)? AmdOf(
        IDictionary<string, string> labels,
        KubernetesOptions options,
        GpuNameResolver resolver
    )
    {
        if (
            labels.TryGetValue(AmdDevice, out var device)
            && TypeOf(AmdDevices.GetValueOrDefault(device, device), null, options, resolver) is { } type
        )
        {
            return (type, AmdDevice, device);
        }

        foreach (var (label, count) in labels)
        {
            if (
                label.StartsWith(AmdDeviceCount, StringComparison.Ordinal)
                && AmdDevices.TryGetValue(label[AmdDeviceCount.Length..], out var name)
                && TypeOf(name, null, options, resolver) is { } older
            )
            {
                return (older, label, count);
            }
        }

        return
            labels.TryGetValue("amd.com/gpu.product-name", out var product)
            && TypeOf(
                product.Replace("AMD_Instinct_", "", StringComparison.OrdinalIgnoreCase).Split('_')[0],
                null,
                options,
                resolver
            )
                is { } named
            ? (named, "amd.com/gpu.product-name", product)
            : null;
    }

    /// <summary>
    /// The operator's own name for a label value, else the catalogue's name for it or for its beginning. The whole value also
    /// tells the board: <c>NVIDIA-A100-SXM4-80GB</c> is an A100 on an SXM board.
    /// </summary>
    private static string? TypeOf(string value, double? gib, KubernetesOptions options, GpuNameResolver resolver)
    {
        if (options.GpuNames.TryGetValue(value, out var configured))
        {
            return configured;
        }

        var size = gib ?? SizeIn(value);
        var name = value;
        foreach (
            var vendor in (ReadOnlySpan<string>)
                ["NVIDIA-", "nvidia-", "Tesla-", "tesla-", "GeForce-", "AMD-", "Instinct-"]
        )
        {
            name = name.StartsWith(vendor, StringComparison.Ordinal) ? name[vendor.Length..] : name;
        }

        return size is not { } known
            ? null
            : Beginnings(value, name)
                .Select(part => resolver(part, known, value))
                .FirstOrDefault(type => type is not null);
    }

    private static IEnumerable<string> Beginnings(string value, string name)
    {
        yield return value;
        var parts = name.Split('-');
        for (var count = parts.Length; count >= 1; count--)
        {
            yield return string.Join('-', parts[..count]);
        }
    }

    /// <summary>GiB that a label value itself states, as in <c>nvidia-a100-80gb</c>; else what the only known size of the name is.</summary>
    private static double? SizeIn(string value)
    {
        foreach (var part in value.Split('-', '_'))
        {
            if (part.EndsWith("gb", StringComparison.OrdinalIgnoreCase) && NumberOf(part[..^2]) is { } gib)
            {
                return gib;
            }
        }

        foreach (var (word, gib) in SizesByName)
        {
            if (value.Contains(word, StringComparison.OrdinalIgnoreCase))
            {
                return gib;
            }
        }

        return null;
    }

    /// <summary>Sizes of GPUs that the clouds' labels name without one; longer names first.</summary>
    private static readonly (string Word, double Gib)[] SizesByName =
    [
        ("mi355x", 288),
        ("mi325x", 256),
        ("mi300x", 192),
        ("mi250x", 128),
        ("mi210", 64),
        ("b300", 288),
        ("b200", 180),
        ("h200", 141),
        ("h100", 80),
        ("a100", 40),
        ("l40s", 48),
        ("l40", 48),
        ("a10g", 24),
        ("l4", 24),
        ("v100", 16),
        ("p100", 16),
        ("t4", 16),
    ];

    private static double? NumberOf(string text) =>
        double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)
        && number is > 0 and < 1e9
            ? number
            : null;
}

/// <param name="Resource">What pods request.</param>
/// <param name="Type">Name in the GPU catalogue.</param>
/// <param name="Label">Label that named the type, with its value: pods ask for nodes that have it.</param>
/// <param name="Count">GPUs that pods can have, 1 to 1,024.</param>
internal sealed record NodeGpu(string Resource, string Type, string Label, string Value, int Count);
