using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Grains.Agenda;
using Scheduler.Grains.Telemetry;

namespace Scheduler.Grains.Billing;

/// <summary>One account: the rules are in <see cref="AccountLedger"/>; one write answers all commands that wait.</summary>
/// <remarks>
/// <para>
/// <b>Group commit.</b> Hundreds of launches may use one account at the same time, and each needs its hold recorded before it continues.
/// Commands enter a queue. One loop takes all that wait, applies them to the ledger in order, writes once, and only then answers them.
/// The grain is reentrant, so that a command can enter the queue while another one waits for the shared write. Queries use the same queue,
/// so that no answer contains anything that is not recorded.
/// </para>
/// <para>
/// <b>A failed write</b> has an unknown outcome: every waiting command fails, the activation ends with its ledger, and the next one reads
/// the stored state. All commands are keyed (by reference, or by instance and run), so they are safe to repeat.
/// </para>
/// <para>
/// <b>Exhaustion</b> costs nothing per running instance: the ledger computes the moment at which the money runs out. The agenda wakes the
/// grain at that moment, and the grain notifies the running instances, which stop themselves.
/// </para>
/// </remarks>
[Reentrant]
[GrainType("account")]
internal sealed partial class AccountGrain(
    [PersistentState("account", GrainStorageNames.Database)] IPersistentState<AccountRecord> state,
    IAccountRows rows,
    IOptions<SchedulerOptions> options,
    SchedulerMetrics metrics,
    TimeProvider clock,
    ILogger<AccountGrain> logger
) : Grain, IAccountGrain, IInspectedAccount, IWakeable
{
    /// <summary>The most commands in one write: limits the size of the row that contains their changes.</summary>
    private const int MaxBatch = 256;

    /// <summary>How often running instances are notified after exhaustion, until none runs.</summary>
    private static readonly TimeSpan NotifyAgainAfter = TimeSpan.FromSeconds(5);

    private readonly Queue<QueuedCommand> _queue = new();
    private readonly Dictionary<string, LedgerEntry> _topUps = new(StringComparer.Ordinal);
    private AccountLedger _ledger = null!;
    private bool _isWriting;
    private bool _isBroken;
    private IGrainTimer? _timer;

    /// <summary>When the firewall was last read.</summary>
    private long _firewallReadAt;

    /// <summary>When a firewall other than the current one was last read.</summary>
    private long _otherFirewallReadAt;

    private AccountId Self => new(this.GetPrimaryKeyString());

    private BillingOptions Billing => options.Value.Billing;

    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        var tabs = state.State.Exists ? await rows.LoadTabsAsync(Self, cancellationToken) : [];
        _ledger = new AccountLedger(state.State, tabs);
        // An earlier activation may have answered up to this moment.
        _firewallReadAt = _otherFirewallReadAt = clock.GetTimestamp();
        AskAboutAllHolds(tabs);
        ArmTimer(clock.Now());
    }

    public Task<Answer<AccountView>> CreateAsync(CreateAccount command, CommandContext context) =>
        DoAsync<Answer<AccountView>>(
            (ledger, now) =>
            {
                if (ledger.Record.Exists)
                {
                    return ledger.Record.DisplayName == command.DisplayName
                        ? View(ledger, now)
                        : Refusal.Exists($"Account {Self} exists already.");
                }

                ledger.Change(record =>
                    record with
                    {
                        Id = Self,
                        DisplayName = command.DisplayName,
                        ExhaustionGrace = command.ExhaustionGrace,
                        CreatedAt = now,
                    }
                );
                ledger.AddEvent("Create", "account created", now, context.RequestId, context.Actor);
                return View(ledger, now);
            }
        );

    public Task<Answer<AccountView>> GetAsync(AccountId? account) =>
        DoAsync<Answer<AccountView>>(
            (ledger, now) =>
            {
                _firewallReadAt = clock.GetTimestamp();
                return MaySee(ledger, account) ? View(ledger, now) : Unknown();
            }
        );

    public Task<AccountGlance> GetState() =>
        DoAsync(
            (ledger, now) =>
                ledger.Record.Exists
                    ? new AccountGlance
                    {
                        Exists = true,
                        Suspended = ledger.Record.Suspended,
                        Balance = ledger.Record.Balance.ToString(),
                        Accrued = ledger.Accrued(now).ToString(),
                        Holds = ledger.Holds(now).ToString(),
                        BurnPerHour = ledger.BurnPerHour().ToString(),
                        Metered = ledger.Metered.Count,
                        Queued = _queue.Count,
                        Generation = ledger.Record.Generation,
                        WakeAt = ledger.Record.WakeAt,
                    }
                    : new AccountGlance()
        );

    public async Task<Answer<AccountView>> UpdateAsync(UpdateAccount command, CommandContext context)
    {
        var answer = await DoAsync<Answer<AccountView>>(
            (ledger, now) =>
            {
                if (!MaySee(ledger, context.Account))
                {
                    return Unknown();
                }

                var firewall = command.Firewall is { } slug ? (slug.Length > 0 ? slug : null) : ledger.Record.Firewall;
                if (firewall != ledger.Record.Firewall)
                {
                    _otherFirewallReadAt = _firewallReadAt;
                }

                ledger.Change(record =>
                    record with
                    {
                        DisplayName = command.DisplayName ?? record.DisplayName,
                        Suspended = command.Suspended ?? record.Suspended,
                        ExhaustionGrace = command.ExhaustionGrace ?? record.ExhaustionGrace,
                        Firewall = firewall,
                    }
                );
                if (command.Quotas is { } quotas)
                {
                    ledger.Change(record => record.WithQuotas(quotas));
                }

                ledger.AddEvent("Update", "account changed", now, context.RequestId, context.Actor);
                return View(ledger, now);
            }
        );
        if (answer.IsOk && command.Firewall is { Length: > 0 })
        {
            await OtherFirewallExpiresAsync();
        }

        return answer;
    }

    /// <summary>Waits until no gateway may use an answer that named another firewall, or none.</summary>
    private async Task OtherFirewallExpiresAsync()
    {
        var left = IAccountGrain.FirewallLease - clock.GetElapsedTime(_otherFirewallReadAt);
        if (left > TimeSpan.Zero)
        {
            await Task.Delay(left, clock);
        }
    }

    public async Task<Answer<TopUpAnswer>> TopUpAsync(MicroEuro amount, string reference, CommandContext context)
    {
        // The unique key of the ledger prevents a second entry; the read turns a repeat into an answer instead of a failed write.
        var entered = await rows.FindEntryAsync(Self, AccountLedger.TopUpKey(reference), CancellationToken.None);
        return await DoAsync<Answer<TopUpAnswer>>(
            (ledger, now) =>
            {
                if (!MaySee(ledger, context.Account))
                {
                    return Unknown();
                }

                if ((entered ?? _topUps.GetValueOrDefault(reference)) is { } earlier)
                {
                    return earlier.Amount == amount
                        ? new TopUpAnswer(earlier, View(ledger, now), true)
                        : Refusal.Exists($"Reference '{reference}' was entered with {earlier.Amount} EUR.");
                }

                var entry = ledger.TopUp(amount, reference, now, context.RequestId);
                _topUps[reference] = entry;
                ledger.AddEvent("TopUp", $"{amount} EUR, reference {reference}", now, context.RequestId, context.Actor);
                return new TopUpAnswer(entry, View(ledger, now), false);
            }
        );
    }

    public async Task<HoldAnswer> TakeHoldAsync(TakeHold command)
    {
        var answer = await DoAsync(
            (ledger, now) =>
            {
                var isTaken = ledger.Record.Exists && ledger.TryHold(command, now);
                if (isTaken)
                {
                    _questions.Enqueue((command.Instance, command.Run), now + AskEvery);
                }

                return new HoldAnswer(
                    isTaken,
                    ledger.Record.Suspended,
                    ledger.Record.Balance,
                    ledger.Accrued(now),
                    ledger.Holds(now)
                );
            }
        );
        metrics.HoldAsked(answer.Taken, command.Amount);
        return answer;
    }

    public Task StartMeterAsync(StartMeter command) =>
        DoAsync(
            (ledger, _) =>
            {
                ledger.StartMeter(command);
                return true;
            }
        );

    public Task CloseRunAsync(CloseRun command) =>
        DoAsync(
            (ledger, now) =>
            {
                ledger.Close(command, now);
                return true;
            }
        );

    public Task ForgetAsync(InstanceId instance) =>
        DoAsync(
            (ledger, _) =>
            {
                ledger.Forget(instance);
                return true;
            }
        );

    public async Task<DateTimeOffset?> WakeAsync()
    {
        await HandleDueAsync(isWoken: true);
        return NextWake(clock.Now());
    }

    private static bool MaySee(AccountLedger ledger, AccountId? account) =>
        ledger.Record.Exists && (account is null || account == ledger.Record.Id);

    private Refusal Unknown() => Refusal.NotFound($"Account {Self}");

    private AccountView View(AccountLedger ledger, DateTimeOffset now)
    {
        var (accrued, holds) = (ledger.Accrued(now), ledger.Holds(now));
        return new AccountView
        {
            Id = ledger.Record.Id,
            DisplayName = ledger.Record.DisplayName,
            Suspended = ledger.Record.Suspended,
            Balance = ledger.Record.Balance,
            Accrued = accrued,
            Holds = holds,
            Available = ledger.Record.Balance - accrued - holds,
            BurnPerHour = ledger.BurnPerHour(),
            ExhaustedAt = ledger.ExhaustedAt(now),
            Running = ledger.Metered.Count,
            ExhaustionGrace = ledger.Record.ExhaustionGrace,
            CreatedAt = ledger.Record.CreatedAt,
            LaunchThreshold = Billing.Threshold.Minimum,
            Firewall = ledger.Record.Firewall,
            Quotas = ledger.Record.Quotas ?? ImmutableSortedDictionary<string, long>.Empty,
        };
    }
}
