using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Secrets;
using Scheduler.Grains.Agenda;
using Scheduler.Grains.Billing;
using Scheduler.Grains.Providers;
using Scheduler.Grains.Telemetry;

namespace Scheduler.Grains.Instances;

/// <summary>One instance: decide, record, act. This file holds the commands and the queries of callers.</summary>
/// <remarks>
/// <para>
/// <b>The loop.</b> A command or a message of <see cref="IInstanceInbox"/> becomes a trigger. <em>Decide</em>:
/// <see cref="InstanceDecisions"/>, a set of pure functions, returns the next record or a refusal. <em>Record</em>: the record is written
/// whole; timeline, wake-up and list row are part of the same write. <em>Act</em>: only then are provider and account called, and the
/// record alone decides how: <see cref="ActAfterRecord"/> starts all work that the record requires and that is not in progress. All work is
/// safe to repeat. A crash therefore costs only time: the next activation reads the same record and starts the same work.
/// </para>
/// <para>
/// <b>Work never blocks a command.</b> A provider may take minutes, and a Stop must not wait for it. So <see cref="InstanceWork"/> runs in
/// the background. It reports its results through <see cref="IInstanceInbox"/>, with the allocation key or run that they concern; a message
/// that does not match the record any more is dropped. Only a decision that needs a status or an output reads it from the provider
/// first, for at most 2 s.
/// </para>
/// <para>
/// <b>Every answer is stored before it is given.</b> Queries read <see cref="_recorded"/>, which changes only after a successful write. The
/// outcome of a failed write is unknown: the activation ends, and the next one reads the stored record.
/// </para>
/// <para>
/// <b>The files.</b> Record: write, act, wake-up. Inbox: messages, checked against the record and passed to their phase. Checking,
/// Waiting, Provisioning, Starting, Running, Stopping: one phase each, with its work, its decisions and its deadline. Failing: the end of a
/// run by a failure in any phase, and the re-route. Repair: the start of a run, with the recorded spec or with that of a remedy.
/// </para>
/// </remarks>
[GrainType("instance")]
internal sealed partial class InstanceGrain(
    [PersistentState("instance", GrainStorageNames.Database)] IPersistentState<InstanceRecord> state,
    LaunchNames names,
    LaunchChecks checks,
    OfferCatalogue catalogue,
    LaunchExplainer explainer,
    ModelTeaching teaching,
    InstanceProviderCalls provider,
    ISecretVault vault,
    InstanceSecrets secrets,
    IOptions<SchedulerOptions> options,
    SchedulerMetrics metrics,
    InstanceWorkStop stop,
    TimeProvider clock,
    ILogger<InstanceGrain> logger
) : Grain, IInstanceGrain, IInstanceInbox, IInspectedInstance, INamed, IWakeable, IDisposable
{
    private const string StartCommand = "Start";
    private const string StopCommand = "Stop";

    private readonly InstanceWork _work = new(stop, logger);
    private InstanceRecord _recorded = new();
    private readonly ChangeSignal _changed = new(clock);
    private bool _isCreating;

    private InstanceId Self => new(this.GetPrimaryKeyString());

    private LaunchOptions Launch => options.Value.Launch;

    private string StateName => _recorded.State.WireName();

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _recorded = state.State;
        RememberLaunchStart(_recorded);
        ActAfterRecord();
        return Task.CompletedTask;
    }

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        _changed.Close();
        _work.CancelAll();
        return Task.CompletedTask;
    }

    public void Dispose() => _work.Dispose();

    public async Task<Answer<InstanceRecord>> CreateAsync(CreateInstance command, CommandContext context)
    {
        var fingerprint = Fingerprint.Of(command);
        if (_recorded.Exists)
        {
            return _recorded.CreateFingerprint == fingerprint && MaySee(context.Account)
                ? _recorded
                : Refusal.Exists("An instance was already created under this request id, with other contents.");
        }

        if (context.Account is { } own && own != command.Account)
        {
            return Refusal.NotFound($"Account {command.Account}");
        }

        // The quota reads the account, so it is also the check that the account exists.
        return await GrainFactory.WithinQuotaAsync(
            command.Account,
            new QuotaClaim(Quota.Instances, Self.Value),
            async () =>
            {
                var named = await names.CheckAsync(command.Account, command.Spec, null, GrainFactory);
                return named.IsOk
                    ? await ClaimNameAndRecordAsync(command, named.Value, fingerprint, context)
                    : named.Refusal;
            }
        );
    }

    private async Task<Answer<InstanceRecord>> ClaimNameAndRecordAsync(
        CreateInstance command,
        LaunchSpec spec,
        string fingerprint,
        CommandContext context
    )
    {
        // Until the record is written, HoldsNameAsync must answer that the name is taken.
        _isCreating = true;
        var holder = await GrainFactory
            .ServingName(command.Account, command.ServingName)
            .ClaimAsync(NameHolder.Of(Self));
        if (holder != NameHolder.Of(Self))
        {
            _isCreating = false;
            return Refusal.Exists(
                $"Serving name '{command.ServingName}' is taken by another instance, balancer or service of the account."
            );
        }

        var blank = new InstanceRecord
        {
            Id = Self,
            Account = command.Account,
            ServingName = command.ServingName,
            Spec = spec,
            Labels = command.Labels,
            CreateFingerprint = fingerprint,
        };
        await RecordAsync(InstanceDecisions.Create(blank, CauseOf(context)));
        return _recorded;
    }

    public async Task<Answer<InstanceRecord>> UpdateAsync(UpdateInstance command, CommandContext context)
    {
        if (VisibleTo(context.Account) is { IsOk: false } hidden)
        {
            return hidden;
        }

        if (_recorded.State == InstanceState.Deleted)
        {
            return WrongState("The instance is deleted and cannot change.");
        }

        if (Outdated(command.IfGeneration) is { } outdated)
        {
            return outdated;
        }

        if (command.Spec is not null && !_recorded.State.MayChangeSpec())
        {
            return WrongState("The spec may change only while the instance is stopped or failed.");
        }

        var named = command.Spec is { } wish
            ? await names.CheckAsync(_recorded.Account, wish, _recorded.Spec, GrainFactory)
            : _recorded.Spec;
        if (!named.IsOk)
        {
            return named.Refusal;
        }

        return await ApplyAsync(
            InstanceDecisions.Change(
                _recorded,
                next =>
                    WithSpec(next, named.Value) with
                    {
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

    public async Task<Answer<InstanceRecord>> StartAsync(CommandContext context)
    {
        if (VisibleTo(context.Account) is { IsOk: false } hidden)
        {
            return hidden;
        }

        if (_recorded.WasHandled(StartCommand, context.ClientRequestId))
        {
            return StartedBefore();
        }

        return await BeginAsync(StartCommand, null, context);
    }

    public async Task<Answer<InstanceRecord>> StopAsync(CommandContext context)
    {
        if (VisibleTo(context.Account) is { IsOk: false } hidden)
        {
            return hidden;
        }

        if (_recorded.WasHandled(StopCommand, context.ClientRequestId))
        {
            return _recorded;
        }

        // Not awaited: the account asks this instance, which answers after this turn.
        GrainFactory.Account(_recorded.Account).CheckHoldAsync(Self).Ignore();
        var cause = CauseOf(context);
        return await ApplyAsync(Remembering(InstanceDecisions.End(_recorded, cause), StopCommand, context, cause));
    }

    public async Task<Answer<InstanceRecord>> DeleteAsync(CommandContext context)
    {
        if (VisibleTo(context.Account) is { IsOk: false } hidden)
        {
            return hidden;
        }

        if (_recorded.State == InstanceState.Deleted)
        {
            return _recorded;
        }

        var answer = await ApplyAsync(InstanceDecisions.Remove(_recorded, CauseOf(context)));
        if (answer.IsOk)
        {
            // A crash may lose all three calls without harm. The next claim of the name checks whether its holder
            // still exists. A closed run bills nothing, and a schedule that comes due finds the instance deleted.
            await GrainFactory.ServingName(_recorded.Account, _recorded.ServingName).ReleaseAsync(NameHolder.Of(Self));
            await GrainFactory.Account(_recorded.Account).ForgetAsync(Self);
            GrainFactory.Schedules(Self).ForgetAsync(context).Ignore();
        }

        return answer;
    }

    public Task<Answer<InstanceRecord>> GetAsync(AccountId? account) => Task.FromResult(VisibleTo(account));

    public async Task<Answer<InstanceRecord>> WaitForChangeAsync(
        AccountId? account,
        long afterGeneration,
        CancellationToken cancellationToken
    )
    {
        if (VisibleTo(account) is { IsOk: true } known && known.Value.Generation <= afterGeneration)
        {
            await _changed.WaitAsync(cancellationToken);
        }

        return VisibleTo(account);
    }

    public Task<Answer<InstanceRecord>> ExamineAsync(AccountId? account, int run) =>
        VisibleTo(account) is { IsOk: true } && _recorded.State == InstanceState.Running && _recorded.Run == run
            ? ExamineRuntimeAsync(account)
            : GetAsync(account);

    public async Task<Answer<string>> ReadOutputAsync(AccountId? account)
    {
        if (VisibleTo(account) is { IsOk: false } hidden)
        {
            return hidden.Refusal;
        }

        return _recorded.State is InstanceState.Starting or InstanceState.Running
            ? await provider.TryReadOutputAsync(_recorded, _work.Cancellation)
            : "";
    }

    public Task<Answer<SecretText>> ReadRuntimeKeyAsync(AccountId account, AllocationKey allocation) =>
        Task.FromResult<Answer<SecretText>>(
            VisibleTo(account) is { IsOk: false } hidden ? hidden.Refusal
            : _recorded.Intent?.Key == allocation && secrets.KeyOf(_recorded) is { } key ? new SecretText(key.Value)
            : Refusal.NotFound("Runtime key")
        );

    public async Task<bool> RewrapKeyAsync()
    {
        if (_recorded.Intent is not { RuntimeKey: { } before } intent)
        {
            return false;
        }

        var after = vault.Rewrap(before, SecretBinding.OfRuntimeKey(Self, intent.Key));
        return after != before
            && (
                await ApplyAsync(
                    InstanceDecisions.Change(
                        _recorded,
                        next => next with { Intent = next.Intent! with { RuntimeKey = after } },
                        OwnCause()
                    )
                )
            ).IsOk;
    }

    public async Task<Answer<LaunchExplanation>> ExplainAsync(AccountId? account) =>
        VisibleTo(account) is { IsOk: false } hidden ? hidden.Refusal
        : await names.CheckStoredAsync(_recorded.Account, _recorded.Spec, GrainFactory) is { } outdated ? outdated
        : await explainer.ExplainAsync(_recorded, GrainFactory, clock.Now());

    public Task<InstanceGlance> GetState() => Task.FromResult(InstanceGlance.Of(_recorded));

    public Task<bool> HoldsNameAsync() =>
        Task.FromResult(_recorded.Exists ? _recorded.State.HoldsServingName() : _isCreating);

    private static InstanceDecision Remembering(
        InstanceDecision decision,
        string command,
        CommandContext context,
        Cause cause
    ) =>
        decision.And(next =>
            InstanceDecisions.Change(next, record => record.Remember(command, context.ClientRequestId), cause)
        );

    private Answer<InstanceRecord> VisibleTo(AccountId? account) =>
        _recorded.Exists && MaySee(account) ? _recorded : Refusal.NotFound($"Instance {Self}");

    private Refusal? Outdated(long? expected) =>
        expected is { } generation && generation != _recorded.Generation
            ? new Refusal
            {
                Kind = RefusalKind.WrongState,
                Message = $"The instance is at generation {_recorded.Generation}, not {generation}: read it again.",
                State = _recorded.State.ToString(),
            }
            : null;

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
}
