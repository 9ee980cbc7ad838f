using Scheduler.Domain.Ids;
using Scheduler.Domain.Providers;

namespace Scheduler.Providers.Docker;

/// <summary>
/// What the labels of a container say. They are the only record of an allocation: a scheduler that restarts, and every other
/// silo, reads it there. No secret is among them.
/// </summary>
internal sealed record DockerLabels(
    AllocationKey Key,
    AllocationTag Tag,
    IReadOnlyList<string> Slots,
    int Port,
    string HealthPath,
    string Preset
)
{
    /// <summary>Every container of an allocation has this label, and no other container.</summary>
    internal const string KeyLabel = "scheduler.key";

    internal const string ClusterLabel = "scheduler.cluster";

    private const string InstanceLabel = "scheduler.instance";
    private const string SlotsLabel = "scheduler.gpus";
    private const string PortLabel = "scheduler.port";
    private const string HealthLabel = "scheduler.health";
    private const string PresetLabel = "scheduler.preset";

    internal Dictionary<string, string> ToLabels() =>
        new(StringComparer.Ordinal)
        {
            [KeyLabel] = Key.Value,
            [ClusterLabel] = Tag.Cluster,
            [InstanceLabel] = Tag.Instance.Value,
            [SlotsLabel] = string.Join(',', Slots),
            [PortLabel] = Port.ToString(System.Globalization.CultureInfo.InvariantCulture),
            [HealthLabel] = HealthPath,
            [PresetLabel] = Preset,
        };

    /// <returns>Null for a container that is none of ours.</returns>
    internal static DockerLabels? Read(IReadOnlyDictionary<string, string>? labels)
    {
        if (labels is null || Text(KeyLabel) is not { Length: > 0 } key)
        {
            return null;
        }

        return new DockerLabels(
            new AllocationKey(key),
            new AllocationTag(Text(ClusterLabel), new InstanceId(Text(InstanceLabel))),
            Text(SlotsLabel).Split(',', StringSplitOptions.RemoveEmptyEntries),
            int.TryParse(Text(PortLabel), System.Globalization.CultureInfo.InvariantCulture, out var port) ? port : 0,
            Text(HealthLabel) is { Length: > 0 } path ? path : "/",
            Text(PresetLabel)
        );

        string Text(string name) => labels.GetValueOrDefault(name, "");
    }
}
