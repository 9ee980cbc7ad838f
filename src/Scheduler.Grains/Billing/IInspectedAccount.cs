namespace Scheduler.Grains.Billing;

/// <summary>
/// The view of an account in Orleans' own dashboard; see <see cref="Instances.IInspectedInstance"/> for the reason of this interface.
/// </summary>
[Alias("scheduler.IInspectedAccount")]
[GrainInterfaceType("scheduler.account.inspected")]
internal interface IInspectedAccount : IGrainWithStringKey
{
    /// <summary>The recorded state. The call does not create an account.</summary>
    [Alias("GetState")]
    [System.Diagnostics.CodeAnalysis.SuppressMessage(
        "Usage",
        "MA0137",
        Justification = "The dashboard finds the method by this name."
    )]
    Task<AccountGlance> GetState();
}

/// <summary>A summary of an account; amounts in EUR.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.AccountGlance")]
internal sealed record AccountGlance
{
    [Id(0)]
    public bool Exists { get; init; }

    /// <summary>Whether launches are refused.</summary>
    [Id(1)]
    public bool Suspended { get; init; }

    /// <summary>Σ of the ledger.</summary>
    [Id(2)]
    public string Balance { get; init; } = "";

    /// <summary>Running cost not yet in the ledger.</summary>
    [Id(3)]
    public string Accrued { get; init; } = "";

    /// <summary>Reserved money.</summary>
    [Id(4)]
    public string Holds { get; init; } = "";

    /// <summary>Σ of the prices of all metered runs.</summary>
    [Id(5)]
    public string BurnPerHour { get; init; } = "";

    /// <summary>Number of metered instances.</summary>
    [Id(6)]
    public int Metered { get; init; }

    /// <summary>Number of commands that wait for the next write.</summary>
    [Id(7)]
    public int Queued { get; init; }

    /// <summary>Counts every write.</summary>
    [Id(8)]
    public long Generation { get; init; }

    [Id(9)]
    public DateTimeOffset? WakeAt { get; init; }
}
