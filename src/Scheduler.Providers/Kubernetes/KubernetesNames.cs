using System.Security.Cryptography;
using System.Text;
using k8s.Models;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Providers;

namespace Scheduler.Providers.Kubernetes;

/// <summary>Names, labels and annotations of the objects that belong to one allocation.</summary>
internal static class KubernetesNames
{
    internal const string ManagedBy = "app.kubernetes.io/managed-by";
    internal const string Scheduler = "gpu-scheduler";
    internal const string Key = "scheduler/key";
    internal const string Cluster = "scheduler/cluster";
    internal const string Instance = "scheduler/instance";

    /// <summary>Annotation: id of the offer that a pod was made for.</summary>
    internal const string OfferId = "scheduler/offer";

    /// <summary>Annotation of the secret: uid of the pod that a node took. Without it the key never had capacity.</summary>
    internal const string Taken = "scheduler/taken";

    /// <summary>Annotation of the pod: since when its runtime was healthy for the first time.</summary>
    internal const string ReadyAt = "scheduler/ready-at";

    internal const string HealthPath = "scheduler/health-path";
    internal const string TokenizePath = "scheduler/tokenize-path";
    internal const string TokenizeShape = "scheduler/tokenize-shape";

    /// <summary>Entry of the secret with the runtime key.</summary>
    internal const string RuntimeKeyEntry = "runtime-key";

    internal const string Container = "runtime";

    /// <summary>Longest label value and longest name of a service.</summary>
    private const int MaxLabel = 63;

    private const int HashChars = 12;

    private const int MaxKey = 253;

    internal static bool IsUsable(AllocationKey key) =>
        key.Value.Length is > 0 and <= MaxKey && !key.Value.Any(letter => char.IsControl(letter) || letter > '~');

    /// <summary>
    /// Name of every object of a key: its letters and digits, and a hash of the whole key, so that keys which differ in other
    /// characters have different names.
    /// </summary>
    internal static string ObjectOf(AllocationKey key)
    {
        var safe = new StringBuilder("s-", MaxLabel);
        foreach (var letter in key.Value.ToLowerInvariant())
        {
            if (safe.Length == MaxLabel - HashChars - 1)
            {
                break;
            }

            safe.Append(char.IsAsciiLetterOrDigit(letter) ? letter : '-');
        }

        return safe.Append('-').Append(HashOf(key.Value)).ToString();
    }

    /// <summary>The value itself if a label may hold it, else its safe characters and a hash.</summary>
    internal static string LabelOf(string value)
    {
        if (value.Length is > 0 and <= MaxLabel && IsLabel(value))
        {
            return value;
        }

        var safe = new string([
            .. value.Take(MaxLabel - HashChars - 3).Select(letter => IsInner(letter) ? letter : '-'),
        ]);
        return $"x{safe}-{HashOf(value)}";
    }

    internal static string SelectorOf(string cluster) => $"{ManagedBy}={Scheduler},{Cluster}={LabelOf(cluster)}";

    internal static Dictionary<string, string> LabelsOf(AllocationKey key, AllocationTag tag) =>
        new(StringComparer.Ordinal)
        {
            [ManagedBy] = Scheduler,
            [Cluster] = LabelOf(tag.Cluster),
            [Instance] = LabelOf(tag.Instance.Value),
            [Key] = LabelOf(key.Value),
        };

    internal static Dictionary<string, string> AnnotationsOf(AllocationKey key, AllocationTag tag) =>
        new(StringComparer.Ordinal)
        {
            [Key] = key.Value,
            [Cluster] = tag.Cluster,
            [Instance] = tag.Instance.Value,
        };

    /// <summary>Key and tag that an object carries; null if it is none of ours.</summary>
    internal static (AllocationKey Key, AllocationTag Tag)? OwnerOf(V1ObjectMeta meta) =>
        meta.Labels?.TryGetValue(ManagedBy, out var by) == true
        && string.Equals(by, Scheduler, StringComparison.Ordinal)
        && AnnotationOf(meta, Key) is { Length: > 0 } key
        && AnnotationOf(meta, Cluster) is { } cluster
        && AnnotationOf(meta, Instance) is { } instance
            ? (new AllocationKey(key), new AllocationTag(cluster, new InstanceId(instance)))
            : null;

    internal static string? AnnotationOf(V1ObjectMeta meta, string name) =>
        meta.Annotations?.TryGetValue(name, out var value) == true ? value : null;

    private static bool IsLabel(string value) =>
        char.IsAsciiLetterOrDigit(value[0]) && char.IsAsciiLetterOrDigit(value[^1]) && value.All(IsInner);

    private static bool IsInner(char letter) => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' or '.';

    private static string HashOf(string value) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(value)))[..HashChars];
}
