using Scheduler.Domain.Failures;
using Scheduler.Domain.Instances;

namespace Scheduler.Grains.Instances;

/// <summary>
/// The view of an instance in Orleans' own dashboard. That dashboard calls every method without parameters that is
/// named <c>GetState</c> or returns the type of a stored state. It does so for any id that its user enters. This method is the only such
/// one, and it changes nothing.
/// </summary>
[Alias("scheduler.IInspectedInstance")]
[GrainInterfaceType("scheduler.instance.inspected")]
internal interface IInspectedInstance : IGrainWithStringKey
{
    /// <summary>The recorded state. The call does not create an instance.</summary>
    [Alias("GetState"), AlwaysInterleave]
    [System.Diagnostics.CodeAnalysis.SuppressMessage(
        "Usage",
        "MA0137",
        Justification = "The dashboard finds the method by this name."
    )]
    Task<InstanceGlance> GetState();
}

/// <summary>A summary of an instance without its spec, address or any secret. States are names, because the dashboard shows the
/// JSON.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.InstanceGlance")]
internal sealed record InstanceGlance
{
    [Id(0)]
    public bool Exists { get; init; }

    [Id(1)]
    public string? Account { get; init; }

    [Id(2)]
    public string? ServingName { get; init; }

    [Id(3)]
    public string? State { get; init; }

    [Id(4)]
    public DateTimeOffset? StateSince { get; init; }

    [Id(5)]
    public long Generation { get; init; }

    /// <summary>Counts launches.</summary>
    [Id(6)]
    public int Run { get; init; }

    /// <summary>Counts the attempts of the run.</summary>
    [Id(7)]
    public int Attempt { get; init; }

    /// <summary>Provider, region and GPU of the current or latest placement.</summary>
    [Id(8)]
    public string? Route { get; init; }

    [Id(9)]
    public string? FailureCode { get; init; }

    /// <summary>Number of releases and settlements that are not confirmed.</summary>
    [Id(10)]
    public int PendingCleanup { get; init; }

    [Id(11)]
    public DateTimeOffset? WakeAt { get; init; }

    /// <summary>The request that caused the state.</summary>
    [Id(12)]
    public string? RequestId { get; init; }

    public static InstanceGlance Of(InstanceRecord record) =>
        record.Exists
            ? new InstanceGlance
            {
                Exists = true,
                Account = record.Account.Value,
                ServingName = record.ServingName,
                State = record.State.ToString(),
                StateSince = record.StateSince,
                Generation = record.Generation,
                Run = record.Run,
                Attempt = record.Attempt,
                Route = record.Intent?.Offer.Route.ToString(),
                FailureCode = record.Failure?.Failure.Code.WireName(),
                PendingCleanup = record.PendingCleanups.Length,
                WakeAt = record.WakeAt,
                RequestId = record.RequestId.Value,
            }
            : new InstanceGlance();
}
