using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Grains.Agenda;
using Scheduler.Grains.Providers;
using Scheduler.Grains.Telemetry;

namespace Scheduler.Grains.Instances;

/// <summary>One instance: decide, record, act.</summary>
/// <remarks>
/// <para>
/// <b>The loop.</b> A command or a piece of news becomes a trigger. <em>Decide</em>: <see cref="InstanceDecisions"/> says, purely,
/// what record would follow, or refuses. <em>Record</em>: the record is written whole; timeline, wake-up and list row commit with
/// it. <em>Act</em>: only then is the world touched, from the record alone: <see cref="ActAfterRecord"/> looks at what is stored
/// and sets going whatever it demands and is not under way. Every act is safe to repeat, so a crash costs nothing but
/// time: on the next activation the same record demands the same acts.
/// </para>
/// <para>
/// <b>Acts never hold a turn.</b> A provider may take minutes; a Stop must not queue behind it. Acts run beside the turns, and what
/// they learn comes back as a call to <see cref="IInstanceInbox"/> that names the allocation key or run it is about, and is dropped
/// when the record has moved on.
/// </para>
/// <para>
/// <b>Memory never runs ahead of the store.</b> Questions read <see cref="_recorded"/>, which changes only after a write succeeded.
/// When a write fails its outcome is unknown: the activation is dropped and the next one reads what is true.
/// </para>
/// <para>
/// The phases have a file each: Checking, Provisioning, Starting, Running, Stopping.
/// </para>
/// </remarks>
[GrainType("instance")]
internal sealed partial class InstanceGrain(
    [PersistentState("instance", GrainStorageNames.Database)] IPersistentState<InstanceRecord> state,
    LaunchChecks checks,
    LaunchExplainer explainer,
    ProviderDirectory providers,
    IOptions<SchedulerOptions> options,
    SchedulerMetrics metrics,
    TimeProvider clock,
    ILogger<InstanceGrain> logger
) : Grain, IInstanceGrain, IInstanceInbox, IInspectedInstance, INamed, IWakeable, IDisposable
{
    /// <summary>How long a watcher waits before it gets what there is: shorter than the 30 s after which a grain call times out.</summary>
    private static readonly TimeSpan WatchFor = TimeSpan.FromSeconds(20);

    private InstanceRecord _recorded = new();
    private bool _isCreating;
    private TaskCompletionSource _changed = NewSignal();
    private bool _hasRecorded;

    private InstanceId Self => new(this.GetPrimaryKeyString());

    private LaunchOptions Launch => options.Value.Launch;

    /// <inheritdoc/>
    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _recorded = state.State;
        NoticeLaunch(_recorded);
        ActAfterRecord();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        _changed.TrySetResult();
        CallOffAll();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public void Dispose() => _work.Dispose();

    /// <inheritdoc/>
    public async Task<Answer<InstanceRecord>> CreateAsync(CreateInstance command, CommandContext context)
    {
        var fingerprint = Fingerprint.Of(command);
        if (_recorded.Exists)
        {
            return _recorded.CreateFingerprint == fingerprint && MaySee(context.Account)
                ? _recorded
                : Refusal.Exists("An instance was already created under this request id, with other contents.");
        }

        var account = await GrainFactory.Account(command.Account).GetAsync(context.Account);
        if (!account.IsOk)
        {
            return account.Refusal;
        }

        // Whoever asks meanwhile whether the name is still ours must not be told no: the record may take its time.
        _isCreating = true;
        var holder = await GrainFactory
            .ServingName(command.Account, command.ServingName)
            .ClaimAsync(NameHolder.Of(Self));
        if (holder != NameHolder.Of(Self))
        {
            _isCreating = false;
            return Refusal.Exists(
                $"Serving name '{command.ServingName}' is taken by another instance or balancer of the account."
            );
        }

        var blank = new InstanceRecord
        {
            Id = Self,
            Account = command.Account,
            ServingName = command.ServingName,
            Spec = command.Spec,
            Labels = command.Labels,
            CreateFingerprint = fingerprint,
        };
        await RecordAsync(InstanceDecisions.Create(blank, CauseOf(context)));
        return _recorded;
    }

    /// <inheritdoc/>
    public Task<Answer<InstanceRecord>> GetAsync(AccountId? account) => Task.FromResult(Seen(account));

    /// <inheritdoc/>
    public async Task<Answer<InstanceRecord>> WaitForChangeAsync(
        AccountId? account,
        long afterGeneration,
        CancellationToken cancellationToken
    )
    {
        if (Seen(account) is { IsOk: true } seen && seen.Value.Generation <= afterGeneration)
        {
            try
            {
                await _changed.Task.WaitAsync(WatchFor, clock, cancellationToken);
            }
            catch (TimeoutException)
            {
                // Nothing changed; the watcher gets what there is and asks again.
            }
        }

        return Seen(account);
    }

    /// <inheritdoc/>
    public async Task<Answer<InstanceRecord>> UpdateAsync(UpdateInstance command, CommandContext context)
    {
        if (Seen(context.Account) is { IsOk: false } unseen)
        {
            return unseen;
        }

        if (_recorded.State == InstanceState.Deleted)
        {
            return WrongState("Nothing changes any more: the instance is deleted.");
        }

        if (command.IfGeneration is { } expected && expected != _recorded.Generation)
        {
            return new Refusal
            {
                Kind = RefusalKind.WrongState,
                Message = $"The instance is at generation {_recorded.Generation}, not {expected}: read it again.",
                State = _recorded.State.ToString(),
            };
        }

        if (command.Spec is not null && !_recorded.State.MayChangeSpec())
        {
            return WrongState("The spec may change only while the instance is stopped or failed.");
        }

        return await ApplyAsync(
            InstanceDecisions.Change(
                _recorded,
                next =>
                    next with
                    {
                        Spec = command.Spec ?? next.Spec,
                        Labels = command.Labels ?? next.Labels,
                        Firewall = command.Firewall is { } slug
                            ? slug.Length > 0
                                ? slug
                                : null
                            : next.Firewall,
                    },
                CauseOf(context)
            )
        );
    }

    /// <inheritdoc/>
    public async Task<Answer<InstanceRecord>> DeleteAsync(CommandContext context)
    {
        if (Seen(context.Account) is { IsOk: false } unseen)
        {
            return unseen;
        }

        if (_recorded.State == InstanceState.Deleted)
        {
            return _recorded;
        }

        var answer = await ApplyAsync(InstanceDecisions.Remove(_recorded, CauseOf(context)));
        if (answer.IsOk)
        {
            // All may be lost in a crash and do no harm then: the next claim of the name asks whether its holder still lives,
            // a closed tab bills nothing, and a schedule that comes due finds the instance deleted.
            await GrainFactory.ServingName(_recorded.Account, _recorded.ServingName).ReleaseAsync(NameHolder.Of(Self));
            await GrainFactory.Account(_recorded.Account).ForgetAsync(Self);
            GrainFactory.Schedules(Self).ForgetAsync(context).Ignore();
        }

        return answer;
    }

    /// <inheritdoc/>
    public async Task<Answer<LaunchExplanation>> ExplainAsync(AccountId? account) =>
        Seen(account) is { IsOk: false } unseen
            ? unseen.Refusal
            : await explainer.ExplainAsync(_recorded, GrainFactory, clock.Now());

    /// <inheritdoc/>
    public Task<bool> HoldsNameAsync() =>
        Task.FromResult(_recorded.Exists ? _recorded.State.HoldsServingName() : _isCreating);

    /// <inheritdoc/>
    public Task<bool> OwnsAsync(AllocationKey key) =>
        Task.FromResult(
            (_recorded.State.MayHoldAllocation() && _recorded.Intent?.Key == key)
                || _recorded.Debts.Any(debt => debt.Kind == DebtKind.Release && debt.Key == key)
        );

    /// <summary>Blocks one and two: decide, record. The third follows from the record.</summary>
    private async Task<Answer<InstanceRecord>> ApplyAsync(InstanceDecision decision)
    {
        if (!decision.IsPermitted)
        {
            return WrongState(decision.Why);
        }

        await RecordAsync(decision.Next);
        return _recorded;
    }

    private async Task RecordAsync(InstanceRecord next)
    {
        state.State = next;
        try
        {
            await state.WriteStateAsync(CancellationToken.None);
        }
        catch
        {
            // The outcome is unknown.
            state.State = _recorded;
            GiveUp();
            if (_hasRecorded)
            {
                // What the record demands goes on now, not when the agenda comes round: a launch must not time out over one failed
                // write. An activation that never could write leaves it to the agenda: a full disk must not become a loop.
                this.AsReference<IWakeable>().WakeAsync().Ignore();
            }

            throw;
        }

        Measure(_recorded, next);
        _recorded = next;
        _hasRecorded = true;
        foreach (var happened in next.Events)
        {
            LogTransition(
                next.Id,
                happened.From,
                happened.To,
                happened.Trigger,
                happened.Reason,
                happened.RequestId,
                happened.Actor
            );
        }

        Interlocked.Exchange(ref _changed, NewSignal()).TrySetResult();
        ActAfterRecord();
    }

    private Answer<InstanceRecord> Seen(AccountId? account) =>
        _recorded.Exists && MaySee(account) ? _recorded : Refusal.NotFound($"Instance {Self}");

    private bool MaySee(AccountId? account) => account is null || account == _recorded.Account;

    private Refusal WrongState(string why) =>
        new()
        {
            Kind = RefusalKind.WrongState,
            Message = why,
            State = _recorded.State.ToString(),
            Allowed = [.. CommandsAllowed()],
        };

    private IEnumerable<string> CommandsAllowed() =>
        InstanceLifecycle
            .AllowedIn(_recorded.State)
            .Where(trigger => trigger is InstanceTrigger.Start or InstanceTrigger.Stop or InstanceTrigger.Delete)
            .Select(trigger => trigger.ToString());

    private Cause CauseOf(CommandContext context) => new(clock.Now(), context.RequestId, context.Actor);

    private Cause OwnCause(string actor = "scheduler") => new(clock.Now(), _recorded.RequestId, actor);

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
