using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;

namespace Scheduler.Grains.Billing;

/// <summary>One account: its money, its holds, its meters. Every answer means "recorded".</summary>
[Alias("scheduler.IAccountGrain")]
[GrainInterfaceType("scheduler.account")]
public interface IAccountGrain : IGrainWithStringKey
{
    /// <summary>Creates it. The same create again returns the account; a different one is refused.</summary>
    [Alias("Create")]
    Task<Answer<AccountView>> CreateAsync(CreateAccount command, CommandContext context);

    /// <summary>Balance, holds, burn rate, runway, at this moment.</summary>
    [Alias("Get")]
    Task<Answer<AccountView>> GetAsync(AccountId? account);

    /// <summary>Changes what may change; null leaves a part as it is.</summary>
    [Alias("Update")]
    Task<Answer<AccountView>> UpdateAsync(UpdateAccount command, CommandContext context);

    /// <summary>Enters money once per reference; the same reference again returns the first entry.</summary>
    /// <param name="amount">More than zero.</param>
    /// <param name="reference">The caller's id of the payment.</param>
    /// <param name="context">Under what.</param>
    [Alias("TopUp")]
    Task<Answer<TopUpAnswer>> TopUpAsync(MicroEuro amount, string reference, CommandContext context);

    /// <summary>
    /// Puts money aside for one run, if balance − accrued − other holds allows it; replaces the run's earlier hold.
    /// </summary>
    [Alias("TakeHold")]
    Task<HoldAnswer> TakeHoldAsync(TakeHold command);

    /// <summary>Turns a run's hold into a running meter. Harmless when repeated; ignored for a run already closed.</summary>
    [Alias("StartMeter")]
    Task StartMeterAsync(StartMeter command);

    /// <summary>
    /// Ends a run: bills it to its end, once, gives its hold back. Harmless when repeated, right also when the meter never started here.
    /// </summary>
    [Alias("CloseRun")]
    Task CloseRunAsync(CloseRun command);

    /// <summary>Forgets a deleted instance.</summary>
    [Alias("Forget")]
    Task ForgetAsync(InstanceId instance);
}

/// <summary>What a create asks for.</summary>
/// <param name="DisplayName">For people.</param>
/// <param name="ExhaustionGrace">How long running instances may go on below zero.</param>
[GenerateSerializer, Immutable, Alias("scheduler.CreateAccount")]
public sealed record CreateAccount([property: Id(0)] string DisplayName, [property: Id(1)] TimeSpan ExhaustionGrace);

/// <summary>What an update changes.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.UpdateAccount")]
public sealed record UpdateAccount(
    [property: Id(0)] string? DisplayName,
    [property: Id(1)] bool? Suspended,
    [property: Id(2)] TimeSpan? ExhaustionGrace,
    [property: Id(3)] string? Firewall = null
);

/// <summary>An account as it is shown.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.AccountView")]
public sealed record AccountView
{
    /// <summary>Which.</summary>
    [Id(0)]
    public AccountId Id { get; init; }

    /// <summary>For people.</summary>
    [Id(1)]
    public string DisplayName { get; init; } = "";

    /// <summary>Whether launches are refused.</summary>
    [Id(2)]
    public bool Suspended { get; init; }

    /// <summary>Σ of the ledger.</summary>
    [Id(3)]
    public MicroEuro Balance { get; init; }

    /// <summary>Running cost not yet in the ledger.</summary>
    [Id(4)]
    public MicroEuro Accrued { get; init; }

    /// <summary>Money put aside.</summary>
    [Id(5)]
    public MicroEuro Holds { get; init; }

    /// <summary>Balance − accrued − holds: what a launch may use.</summary>
    [Id(6)]
    public MicroEuro Available { get; init; }

    /// <summary>Σ of the prices of what is running.</summary>
    [Id(7)]
    public MicroEuro BurnPerHour { get; init; }

    /// <summary>When balance − accrued reaches zero at the present burn rate; null when nothing burns.</summary>
    [Id(8)]
    public DateTimeOffset? ExhaustedAt { get; init; }

    /// <summary>How many instances are metered.</summary>
    [Id(9)]
    public int Running { get; init; }

    /// <summary>How long running instances may go on below zero.</summary>
    [Id(10)]
    public TimeSpan ExhaustionGrace { get; init; }

    /// <summary>When it was created.</summary>
    [Id(11)]
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>What a launch needs at least.</summary>
    [Id(12)]
    public MicroEuro LaunchThreshold { get; init; }

    /// <summary>Slug of the firewall that every request of the account passes; null for none.</summary>
    [Id(13)]
    public string? Firewall { get; init; }
}

/// <summary>The answer to a top-up.</summary>
/// <param name="Entry">The ledger entry.</param>
/// <param name="Account">The account after it.</param>
/// <param name="Repeated">Whether the reference had been entered before.</param>
[GenerateSerializer, Immutable, Alias("scheduler.TopUpAnswer")]
public sealed record TopUpAnswer(
    [property: Id(0)] LedgerEntry Entry,
    [property: Id(1)] AccountView Account,
    [property: Id(2)] bool Repeated
);

/// <summary>Asks for a hold; an earlier run that is still open is closed in the same act.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.TakeHold")]
public sealed record TakeHold(
    [property: Id(0)] InstanceId Instance,
    [property: Id(1)] int Run,
    [property: Id(2)] MicroEuro Amount,
    [property: Id(3)] DateTimeOffset LapsesAt,
    [property: Id(4)] RequestId RequestId,
    [property: Id(5)] CloseRun? Earlier = null
);

/// <summary>The answer to a hold: taken, or what is there.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.HoldAnswer")]
public sealed record HoldAnswer(
    [property: Id(0)] bool Taken,
    [property: Id(1)] bool Suspended,
    [property: Id(2)] MicroEuro Balance,
    [property: Id(3)] MicroEuro Accrued,
    [property: Id(4)] MicroEuro Holds
);

/// <summary>Starts a meter.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.StartMeter")]
public sealed record StartMeter(
    [property: Id(0)] InstanceId Instance,
    [property: Id(1)] int Run,
    [property: Id(2)] DateTimeOffset Since,
    [property: Id(3)] MicroEuro PricePerHour,
    [property: Id(4)] RequestId RequestId
);

/// <summary>Closes a run; without <see cref="Since"/> it never ran and only its hold is given back.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.CloseRun")]
public sealed record CloseRun(
    [property: Id(0)] InstanceId Instance,
    [property: Id(1)] int Run,
    [property: Id(2)] DateTimeOffset? Since,
    [property: Id(3)] DateTimeOffset? Until,
    [property: Id(4)] MicroEuro PricePerHour,
    [property: Id(5)] RequestId RequestId
);
