using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Services;

namespace Scheduler.Grains.Services;

/// <summary>Labels by which the instance of a replica names its service.</summary>
internal static class ReplicaLabels
{
    /// <summary>Id of the service.</summary>
    public const string Service = "service";

    /// <summary>Number of the revision.</summary>
    public const string Revision = "revision";

    private const int IdLength = 20;

    private static readonly SearchValues<char> Letters = SearchValues.Create(DerivedId.Letters);

    public static ImmutableSortedDictionary<string, string> Of(ServiceId service, Replica replica) =>
        ImmutableSortedDictionary<string, string>
            .Empty.Add(Service, service.Value)
            .Add(Revision, replica.Revision.ToString(CultureInfo.InvariantCulture));

    /// <summary>
    /// The service that labels name; null without one. A caller may set these labels too: the service ignores instances that it did not make.
    /// </summary>
    public static ServiceId? ServiceOf(ImmutableSortedDictionary<string, string> labels) =>
        labels.TryGetValue(Service, out var id)
        && id.Length == NameHolder.ServicePrefix.Length + IdLength
        && id.StartsWith(NameHolder.ServicePrefix, StringComparison.Ordinal)
        && !id.AsSpan(NameHolder.ServicePrefix.Length).ContainsAnyExcept(Letters)
            ? new ServiceId(id)
            : null;
}
