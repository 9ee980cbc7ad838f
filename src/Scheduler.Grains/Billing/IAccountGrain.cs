using System.Collections.Immutable;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;

namespace Scheduler.Grains.Billing;

/// <summary>One account: its money, holds and meters. Every answer is given after the write.</summary>
[Alias("scheduler.IAccountGrain")]
[GrainInterfaceType("scheduler.account")]
public interface IAccountGrain : IGrainWithStringKey
{
    /// <summary>
    /// How long the caller of <see cref="GetAsync"/> may use the firewall in the answer, from the moment of its call.
    /// </summary>
    static readonly TimeSpan FirewallLease = TimeSpan.FromSeconds(1);

    /// <summary>Creates the account. A repeated create returns it; a different one is refused.</summary>
    [Alias("Create")]
    Task<Answer<AccountView>> CreateAsync(CreateAccount command, CommandContext context);

    /// <summary>Balance, holds, burn rate and time of exhaustion now. A null account is an operator, who may see all.</summary>
    [Alias("Get")]
    Task<Answer<AccountView>> GetAsync(AccountId? account);

    /// <summary>
    /// Changes the account. Where it attaches a firewall, the answer comes once no earlier answer may be used any more:
    /// the firewall applies to every request after the answer (INV-10).
    /// </summary>
    [Alias("Update")]
    Task<Answer<AccountView>> UpdateAsync(UpdateAccount command, CommandContext context);

    /// <summary>Adds money once per reference; a repeated reference returns the first entry.</summary>
    /// <param name="amount">More than zero.</param>
    /// <param name="reference">The caller's id of the payment.</param>
    [Alias("TopUp")]
    Task<Answer<TopUpAnswer>> TopUpAsync(MicroEuro amount, string reference, CommandContext context);

    /// <summary>
    /// Reserves money for one run if balance − accrued − other holds covers it; replaces the run's earlier hold.
    /// </summary>
    [Alias("TakeHold")]
    Task<HoldAnswer> TakeHoldAsync(TakeHold command);

    /// <summary>Starts the meter of a run, which then uses up its hold. Safe to repeat; no effect on a closed run.</summary>
    [Alias("StartMeter")]
    Task StartMeterAsync(StartMeter command);

    /// <summary>
    /// Ends a run: bills it to its end and returns its hold. Safe to repeat, and correct even if the command to start the meter was lost.
    /// </summary>
    [Alias("CloseRun")]
    Task CloseRunAsync(CloseRun command);

    /// <summary>
    /// Asks an instance whether it recorded the launch that its hold is for, and frees the hold if not. The account asks by itself too,
    /// within a minute.
    /// </summary>
    [Alias("CheckHold")]
    Task CheckHoldAsync(InstanceId instance);

    /// <summary>What the reserved money is for, the largest holds first; none for another account.</summary>
    /// <param name="account">Account of the caller; null means an operator.</param>
    [Alias("Holds")]
    Task<ImmutableArray<OpenHold>> HoldsAsync(AccountId? account, int most);

    /// <summary>Removes the tab of a deleted instance.</summary>
    [Alias("Forget")]
    Task ForgetAsync(InstanceId instance);
}

/// <param name="ExhaustionGrace">How long instances may continue to run on a used-up balance.</param>
[GenerateSerializer, Immutable, Alias("scheduler.CreateAccount")]
public sealed record CreateAccount([property: Id(0)] string DisplayName, [property: Id(1)] TimeSpan ExhaustionGrace);

/// <summary>The fields to change; null leaves a field as it is, an empty firewall removes it.</summary>
/// <param name="Quotas">Its own limits, by the quota's public name; they replace all earlier ones.</param>
[GenerateSerializer, Immutable, Alias("scheduler.UpdateAccount")]
public sealed record UpdateAccount(
    [property: Id(0)] string? DisplayName,
    [property: Id(1)] bool? Suspended,
    [property: Id(2)] TimeSpan? ExhaustionGrace,
    [property: Id(3)] string? Firewall = null,
    [property: Id(4)] ImmutableSortedDictionary<string, long>? Quotas = null
);

/// <summary>An account as callers see it.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.AccountView")]
public sealed record AccountView
{
    [Id(0)]
    public AccountId Id { get; init; }

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

    /// <summary>Reserved money.</summary>
    [Id(5)]
    public MicroEuro Holds { get; init; }

    /// <summary>Balance − accrued − holds: the money that a launch may use.</summary>
    [Id(6)]
    public MicroEuro Available { get; init; }

    /// <summary>Σ of the prices of all metered runs.</summary>
    [Id(7)]
    public MicroEuro BurnPerHour { get; init; }

    /// <summary>When balance − accrued reaches zero at the current burn rate; null when nothing is metered.</summary>
    [Id(8)]
    public DateTimeOffset? ExhaustedAt { get; init; }

    /// <summary>Number of metered instances.</summary>
    [Id(9)]
    public int Running { get; init; }

    /// <summary>How long instances may continue to run on a used-up balance.</summary>
    [Id(10)]
    public TimeSpan ExhaustionGrace { get; init; }

    [Id(11)]
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>The money that any launch needs at least.</summary>
    [Id(12)]
    public MicroEuro LaunchThreshold { get; init; }

    /// <summary>Slug of the firewall for every request of the account; null for none.</summary>
    [Id(13)]
    public string? Firewall { get; init; }

    /// <summary>Limits of its own, by the quota's public name.</summary>
    [Id(14)]
    public ImmutableSortedDictionary<string, long> Quotas { get; init; } =
        ImmutableSortedDictionary<string, long>.Empty;
}

/// <param name="Account">The account after the top-up.</param>
/// <param name="Repeated">Whether an earlier top-up had this reference.</param>
[GenerateSerializer, Immutable, Alias("scheduler.TopUpAnswer")]
public sealed record TopUpAnswer(
    [property: Id(0)] LedgerEntry Entry,
    [property: Id(1)] AccountView Account,
    [property: Id(2)] bool Repeated
);

/// <summary>The answer to <see cref="TakeHold"/>, with the money of the account at that moment.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.HoldAnswer")]
public sealed record HoldAnswer(
    [property: Id(0)] bool Taken,
    [property: Id(1)] bool Suspended,
    [property: Id(2)] MicroEuro Balance,
    [property: Id(3)] MicroEuro Accrued,
    [property: Id(4)] MicroEuro Holds
);
