namespace Scheduler.Grains.Instances;

/// <summary>
/// What Orleans' own dashboard shows of an instance. It calls every method without parameters that is named <c>GetState</c>, or that
/// returns the type of a stored state, on whatever id its user types: none but this one may be so, and it changes nothing.
/// </summary>
[Alias("scheduler.IInspectedInstance")]
[GrainInterfaceType("scheduler.instance.inspected")]
internal interface IInspectedInstance : IGrainWithStringKey
{
    /// <summary>How it stands, by what is recorded; an instance that was never created is not made by asking.</summary>
    [Alias("GetState"), AlwaysInterleave]
    [System.Diagnostics.CodeAnalysis.SuppressMessage(
        "Usage",
        "MA0137",
        Justification = "The dashboard finds it by this very name."
    )]
    Task<InstanceGlance> GetState();
}

/// <summary>An instance in a few words: no spec, no address, nothing that opens anything. States are words for whoever reads the JSON.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.InstanceGlance")]
internal sealed record InstanceGlance
{
    /// <summary>Whether there is such an instance at all.</summary>
    [Id(0)]
    public bool Exists { get; init; }

    /// <summary>Whose.</summary>
    [Id(1)]
    public string? Account { get; init; }

    /// <summary>The name requests are sent to.</summary>
    [Id(2)]
    public string? ServingName { get; init; }

    /// <summary>Where it stands.</summary>
    [Id(3)]
    public string? State { get; init; }

    /// <summary>Since when.</summary>
    [Id(4)]
    public DateTimeOffset? StateSince { get; init; }

    /// <summary>Counts every write.</summary>
    [Id(5)]
    public long Generation { get; init; }

    /// <summary>Which launch.</summary>
    [Id(6)]
    public int Run { get; init; }

    /// <summary>Which attempt of it.</summary>
    [Id(7)]
    public int Attempt { get; init; }

    /// <summary>Provider, region and GPU it is or was placed on.</summary>
    [Id(8)]
    public string? Route { get; init; }

    /// <summary>The code it failed with.</summary>
    [Id(9)]
    public string? FailureCode { get; init; }

    /// <summary>Releases and settlements that are not confirmed.</summary>
    [Id(10)]
    public int Owed { get; init; }

    /// <summary>When the agenda wakes it.</summary>
    [Id(11)]
    public DateTimeOffset? WakeAt { get; init; }

    /// <summary>The request its state is due to.</summary>
    [Id(12)]
    public string? RequestId { get; init; }
}
