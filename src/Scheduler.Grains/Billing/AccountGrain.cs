using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Grains.Agenda;
using Scheduler.Grains.Telemetry;

namespace Scheduler.Grains.Billing;

/// <summary>One account: rules in <see cref="AccountBook"/>, one write for all commands that wait.</summary>
/// <remarks>
/// <para>
/// <b>Group commit.</b> Hundreds of launches may use one account at once, and each needs its hold recorded before it goes on. Commands
/// are put in a queue; one loop takes all that wait, applies them to the book in order, writes once, and only then answers them
/// all. That is why the grain is reentrant: waiting for the shared write must not keep the next command out of the queue.
/// Questions go through the same queue, so nobody is ever told what is not recorded.
/// </para>
/// <para>
/// <b>A failed write</b> has an unknown outcome: every waiting command fails, the activation is dropped with its book, and the next one
/// reads what is true. All commands are keyed (reference, instance and run), so repeating them is harmless.
/// </para>
/// <para>
/// <b>Exhaustion</b> costs nothing per running instance: the book knows the moment at which the money runs out, the agenda wakes the
/// grain then, and it tells the running instances, which stop themselves.
/// </para>
/// </remarks>
[Reentrant]
[GrainType("account")]
internal sealed partial class AccountGrain(
    [PersistentState("account", GrainStorageNames.Database)] IPersistentState<AccountRecord> state,
    IAccountBook rows,
    IOptions<SchedulerOptions> options,
    SchedulerMetrics metrics,
    TimeProvider clock,
    ILogger<AccountGrain> logger
) : Grain, IAccountGrain, IInspectedAccount, IWakeable
{
    /// <summary>Commands answered by one write: bounds the row that carries their changes.</summary>
    private const int MaxBatch = 256;

    /// <summary>How long after exhaustion running instances are told again, until none runs.</summary>
    private static readonly TimeSpan NotifyAgainAfter = TimeSpan.FromSeconds(5);

    private readonly Queue<Act> _queue = new();
    private readonly Dictionary<string, LedgerEntry> _topUps = new(StringComparer.Ordinal);
    private AccountBook _book = null!;
    private bool _isWriting;
    private bool _isBroken;
    private IGrainTimer? _timer;

    private AccountId Self => new(this.GetPrimaryKeyString());

    private BillingOptions Billing => options.Value.Billing;

    /// <inheritdoc/>
    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        var tabs = state.State.Exists ? await rows.LoadTabsAsync(Self, cancellationToken) : [];
        _book = new AccountBook(state.State, tabs);
        ArmTimer(clock.Now());
    }

    /// <inheritdoc/>
    public Task<Answer<AccountView>> CreateAsync(CreateAccount command, CommandContext context) =>
        DoAsync<Answer<AccountView>>(
            (book, now) =>
            {
                if (book.Record.Exists)
                {
                    return book.Record.DisplayName == command.DisplayName
                        ? View(book, now)
                        : Refusal.Exists($"Account {Self} exists already.");
                }

                book.Change(record =>
                    record with
                    {
                        Id = Self,
                        DisplayName = command.DisplayName,
                        ExhaustionGrace = command.ExhaustionGrace,
                        CreatedAt = now,
                    }
                );
                book.AddEvent("Create", "account created", now, context.RequestId, context.Actor);
                return View(book, now);
            }
        );

    /// <inheritdoc/>
    public Task<Answer<AccountView>> GetAsync(AccountId? account) =>
        DoAsync<Answer<AccountView>>((book, now) => MaySee(book, account) ? View(book, now) : Unknown());

    /// <inheritdoc/>
    public Task<AccountGlance> GetState() =>
        DoAsync(
            (book, now) =>
                book.Record.Exists
                    ? new AccountGlance
                    {
                        Exists = true,
                        Suspended = book.Record.Suspended,
                        Balance = book.Record.Balance.ToString(),
                        Accrued = book.Accrued(now).ToString(),
                        Holds = book.Holds(now).ToString(),
                        BurnPerHour = book.BurnPerHour().ToString(),
                        Metered = book.Metered.Count,
                        Queued = _queue.Count,
                        Generation = book.Record.Generation,
                        WakeAt = book.Record.WakeAt,
                    }
                    : new AccountGlance()
        );

    /// <inheritdoc/>
    public Task<Answer<AccountView>> UpdateAsync(UpdateAccount command, CommandContext context) =>
        DoAsync<Answer<AccountView>>(
            (book, now) =>
            {
                if (!MaySee(book, context.Account))
                {
                    return Unknown();
                }

                book.Change(record =>
                    record with
                    {
                        DisplayName = command.DisplayName ?? record.DisplayName,
                        Suspended = command.Suspended ?? record.Suspended,
                        ExhaustionGrace = command.ExhaustionGrace ?? record.ExhaustionGrace,
                        Firewall = command.Firewall is { } slug
                            ? slug.Length > 0
                                ? slug
                                : null
                            : record.Firewall,
                    }
                );
                book.AddEvent("Update", "account changed", now, context.RequestId, context.Actor);
                return View(book, now);
            }
        );

    /// <inheritdoc/>
    public async Task<Answer<TopUpAnswer>> TopUpAsync(MicroEuro amount, string reference, CommandContext context)
    {
        // The ledger's unique key is the fence; asking first turns a repeat into an answer instead of a failed write.
        var entered = await rows.FindEntryAsync(Self, AccountBook.TopUpKey(reference), CancellationToken.None);
        return await DoAsync<Answer<TopUpAnswer>>(
            (book, now) =>
            {
                if (!MaySee(book, context.Account))
                {
                    return Unknown();
                }

                if ((entered ?? _topUps.GetValueOrDefault(reference)) is { } earlier)
                {
                    return earlier.Amount == amount
                        ? new TopUpAnswer(earlier, View(book, now), true)
                        : Refusal.Exists($"Reference '{reference}' was entered with {earlier.Amount} EUR.");
                }

                var entry = book.TopUp(amount, reference, now, context.RequestId);
                _topUps[reference] = entry;
                book.AddEvent("TopUp", $"{amount} EUR, reference {reference}", now, context.RequestId, context.Actor);
                return new TopUpAnswer(entry, View(book, now), false);
            }
        );
    }

    /// <inheritdoc/>
    public async Task<HoldAnswer> TakeHoldAsync(TakeHold command)
    {
        var answer = await DoAsync(
            (book, now) =>
            {
                if (command.Earlier is { } earlier)
                {
                    Close(book, earlier, now, isRecorded: false);
                }

                var taken =
                    book.Record.Exists
                    && book.TryHold(
                        command.Instance,
                        command.Run,
                        command.Amount,
                        command.LapsesAt,
                        now,
                        command.RequestId
                    );
                return new HoldAnswer(
                    taken,
                    book.Record.Suspended,
                    book.Record.Balance,
                    book.Accrued(now),
                    book.Holds(now)
                );
            }
        );
        metrics.HoldAsked(answer.Taken, command.Amount);
        return answer;
    }

    /// <inheritdoc/>
    public Task StartMeterAsync(StartMeter command) =>
        DoAsync(
            (book, _) =>
            {
                book.StartMeter(command.Instance, command.Run, command.Since, command.PricePerHour, command.RequestId);
                return true;
            }
        );

    /// <inheritdoc/>
    public Task CloseRunAsync(CloseRun command) =>
        DoAsync(
            (book, now) =>
            {
                Close(book, command, now);
                return true;
            }
        );

    /// <inheritdoc/>
    public Task ForgetAsync(InstanceId instance) =>
        DoAsync(
            (book, _) =>
            {
                book.Forget(instance);
                return true;
            }
        );

    /// <inheritdoc/>
    public async Task<DateTimeOffset?> WakeAsync()
    {
        await PassTimeAsync(isWoken: true);
        return NextWake(clock.Now());
    }

    private static void Close(AccountBook book, CloseRun command, DateTimeOffset now, bool isRecorded = true) =>
        book.Close(
            command.Instance,
            command.Run,
            command.Since,
            command.Until,
            command.PricePerHour,
            now,
            command.RequestId,
            isRecorded
        );

    private static bool MaySee(AccountBook book, AccountId? account) =>
        book.Record.Exists && (account is null || account == book.Record.Id);

    private Refusal Unknown() => Refusal.NotFound($"Account {Self}");

    private AccountView View(AccountBook book, DateTimeOffset now)
    {
        var (accrued, holds) = (book.Accrued(now), book.Holds(now));
        return new AccountView
        {
            Id = book.Record.Id,
            DisplayName = book.Record.DisplayName,
            Suspended = book.Record.Suspended,
            Balance = book.Record.Balance,
            Accrued = accrued,
            Holds = holds,
            Available = book.Record.Balance - accrued - holds,
            BurnPerHour = book.BurnPerHour(),
            ExhaustedAt = book.ExhaustedAt(now),
            Running = book.Metered.Count,
            ExhaustionGrace = book.Record.ExhaustionGrace,
            CreatedAt = book.Record.CreatedAt,
            LaunchThreshold = Billing.Threshold.Minimum,
            Firewall = book.Record.Firewall,
        };
    }
}
