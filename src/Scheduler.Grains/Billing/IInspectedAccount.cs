namespace Scheduler.Grains.Billing;

/// <summary>
/// What Orleans' own dashboard shows of an account; see <see cref="Instances.IInspectedInstance"/> for what it calls and why this is
/// apart.
/// </summary>
[Alias("scheduler.IInspectedAccount")]
[GrainInterfaceType("scheduler.account.inspected")]
internal interface IInspectedAccount : IGrainWithStringKey
{
    /// <summary>How it stands, by what is recorded; an account that was never created is not made by asking.</summary>
    [Alias("GetState")]
    [System.Diagnostics.CodeAnalysis.SuppressMessage(
        "Usage",
        "MA0137",
        Justification = "The dashboard finds it by this very name."
    )]
    Task<AccountGlance> GetState();
}

/// <summary>An account in a few sums, in EUR.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.AccountGlance")]
internal sealed record AccountGlance
{
    /// <summary>Whether there is such an account at all.</summary>
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

    /// <summary>Money put aside.</summary>
    [Id(4)]
    public string Holds { get; init; } = "";

    /// <summary>Σ of the prices of what is running, an hour.</summary>
    [Id(5)]
    public string BurnPerHour { get; init; } = "";

    /// <summary>How many instances are metered.</summary>
    [Id(6)]
    public int Metered { get; init; }

    /// <summary>Commands that wait for the next write.</summary>
    [Id(7)]
    public int Queued { get; init; }

    /// <summary>Counts every write.</summary>
    [Id(8)]
    public long Generation { get; init; }

    /// <summary>When the agenda wakes it.</summary>
    [Id(9)]
    public DateTimeOffset? WakeAt { get; init; }
}
