using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Billing;

/// <summary>
/// One line of an account's append-only ledger; balance = Σ <see cref="Amount"/>. <see cref="Key"/> is unique in the account, so
/// nothing can be entered twice: <c>topup/{reference}</c>, <c>usage/{instance}/{run}/{segment}</c>.
/// </summary>
[GenerateSerializer, Immutable, Alias("scheduler.LedgerEntry")]
public sealed record LedgerEntry
{
    /// <summary>Unique in the account.</summary>
    [Id(0)]
    public string Key { get; init; } = "";

    /// <summary>Place in the ledger, from 1, without gaps.</summary>
    [Id(1)]
    public long Sequence { get; init; }

    /// <summary>What kind of entry.</summary>
    [Id(2)]
    public LedgerEntryKind Kind { get; init; }

    /// <summary>Positive for money in, negative for money out.</summary>
    [Id(3)]
    public MicroEuro Amount { get; init; }

    /// <summary>The balance after this entry.</summary>
    [Id(4)]
    public MicroEuro BalanceAfter { get; init; }

    /// <summary>When it was entered.</summary>
    [Id(5)]
    public DateTimeOffset At { get; init; }

    /// <summary>Under which request.</summary>
    [Id(6)]
    public RequestId RequestId { get; init; }

    /// <summary>The caller's reference, for top-ups.</summary>
    [Id(7)]
    public string? Reference { get; init; }

    /// <summary>Which instance, for usage.</summary>
    [Id(8)]
    public InstanceId? Instance { get; init; }

    /// <summary>Which run, for usage.</summary>
    [Id(9)]
    public int Run { get; init; }

    /// <summary>Which segment of the run, from 1, for usage.</summary>
    [Id(10)]
    public int Segment { get; init; }

    /// <summary>
    /// Whole seconds billed by this segment, for usage; negative where the run turned out to have ended before what was billed already.
    /// </summary>
    [Id(11)]
    public long Seconds { get; init; }

    /// <summary>Price snapshot, for usage.</summary>
    [Id(12)]
    public MicroEuro PricePerHour { get; init; }
}

/// <summary>Kinds of ledger entry.</summary>
public enum LedgerEntryKind
{
    /// <summary>Money in.</summary>
    TopUp = 1,

    /// <summary>Seconds of <c>running</c>.</summary>
    Usage = 2,
}
