using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Billing;

/// <summary>
/// One entry of an account's append-only ledger; balance = Σ <see cref="Amount"/>. <see cref="Key"/> is unique in the account, so that
/// no entry is written twice: <c>topup/{reference}</c>, <c>usage/{instance}/{run}/{segment}</c>.
/// </summary>
[GenerateSerializer, Immutable, Alias("scheduler.LedgerEntry")]
public sealed record LedgerEntry
{
    [Id(0)]
    public string Key { get; init; } = "";

    /// <summary>From 1, without gaps.</summary>
    [Id(1)]
    public long Sequence { get; init; }

    [Id(2)]
    public LedgerEntryKind Kind { get; init; }

    /// <summary>Positive for money in, negative for money out.</summary>
    [Id(3)]
    public MicroEuro Amount { get; init; }

    [Id(4)]
    public MicroEuro BalanceAfter { get; init; }

    [Id(5)]
    public DateTimeOffset At { get; init; }

    [Id(6)]
    public RequestId RequestId { get; init; }

    /// <summary>The caller's reference; top-ups only.</summary>
    [Id(7)]
    public string? Reference { get; init; }

    /// <summary>Usage only.</summary>
    [Id(8)]
    public InstanceId? Instance { get; init; }

    /// <summary>Usage only.</summary>
    [Id(9)]
    public int Run { get; init; }

    /// <summary>Ordinal of the entry within its run, from 1; usage only.</summary>
    [Id(10)]
    public int Segment { get; init; }

    /// <summary>
    /// Whole seconds billed by this entry; usage only. Negative when the run ended before the time that was billed already.
    /// </summary>
    [Id(11)]
    public long Seconds { get; init; }

    /// <summary>Price snapshot; usage only.</summary>
    [Id(12)]
    public MicroEuro PricePerHour { get; init; }
}

public enum LedgerEntryKind
{
    TopUp = 1,

    /// <summary>Seconds of <c>running</c>.</summary>
    Usage = 2,
}
