using Microsoft.Extensions.Logging;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Events;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Services;
using Scheduler.Grains.Agenda;
using Scheduler.Grains.Billing;
using Scheduler.Grains.Instances;

namespace Scheduler.Grains.Services;

/// <summary>One service: decide, record, act. This file holds the commands and the queries of callers.</summary>
/// <remarks>
/// Every command, message and tick becomes one change of the record: the change itself, then <see cref="ServiceTurn"/>, which decides what
/// follows. The record is written whole. Only then are instances created, started, stopped and deleted, as the record alone requires; see
/// Replicas. A replica is in the record before its instance exists and until its instance is deleted, and the instance's id follows from
/// the record: a crash at any step leaves no replica that the record does not know, and makes none twice. Loads are kept in memory only.
/// </remarks>
[GrainType("service")]
internal sealed partial class ServiceGrain(
    [PersistentState("service", GrainStorageNames.Database)] IPersistentState<ServiceRecord> state,
    ServiceChecks checks,
    LaunchNames names,
    LaunchExplainer explainer,
    IEventLog events,
    InstanceWorkStop stop,
    TimeProvider clock,
    ILogger<ServiceGrain> logger
) : Grain, IServiceGrain, IServiceInbox, INamed, IWakeable, IDisposable
{
    private readonly Recorded<ServiceRecord> _service = new(state);
    private readonly InstanceWork _work = new(stop, logger);
    private readonly ChangeSignal _changed = new(clock);
    private bool _isCreating;

    private ServiceRecord Current => _service.Value;

    private ServiceId Self => new(this.GetPrimaryKeyString());

    private NameHolder Holder => new(Self.Value);

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _loads = new LoadWindow(clock.Now());
        Act();
        return Task.CompletedTask;
    }

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        _changed.Close();
        _work.CancelAll();
        return Task.CompletedTask;
    }

    public void Dispose() => _work.Dispose();

    public async Task<Answer<ServiceRecord>> CreateAsync(CreateService command, CommandContext context)
    {
        var fingerprint = Fingerprint.Of(command);
        if (Current.Exists)
        {
            return
                string.Equals(Current.CreateFingerprint, fingerprint, StringComparison.Ordinal)
                && MaySee(context.Account)
                ? Current
                : Refusal.Exists("A service was already created under this request id, with other contents.");
        }

        var account = await GrainFactory.Account(command.Account).GetAsync(context.Account);
        if (!account.IsOk)
        {
            return account.Refusal;
        }

        var spec = await checks.CheckAsync(command.Account, command.Spec, null, GrainFactory);
        if (!spec.IsOk)
        {
            return spec.Refusal;
        }

        var blank = new ServiceRecord
        {
            Id = Self,
            Account = command.Account,
            ServingName = command.ServingName,
            Spec = spec.Value,
            Labels = command.Labels,
            CreateFingerprint = fingerprint,
        };
        return await GrainFactory.WithinQuotaAsync(
            command.Account,
            new QuotaClaim(Quota.Services, Self.Value),
            () => ClaimNameAndRecordAsync(blank, context)
        );
    }

    private async Task<Answer<ServiceRecord>> ClaimNameAndRecordAsync(ServiceRecord blank, CommandContext context)
    {
        // While the record is being written, HoldsNameAsync must already confirm the claimed name.
        _isCreating = true;
        try
        {
            var name = GrainFactory.ServingName(blank.Account, blank.ServingName);
            if (await name.ClaimAsync(Holder) != Holder)
            {
                return Refusal.Exists(
                    $"Serving name '{blank.ServingName}' is taken by another instance, balancer or service of the account."
                );
            }

            return await ApplyAsync(editor => ServiceCommands.Create(editor, blank), CauseOf(context));
        }
        finally
        {
            _isCreating = false;
        }
    }

    public Task<Answer<ServiceRecord>> GetAsync(AccountId? account) => Task.FromResult(Seen(account));

    public async Task<Answer<ServiceRecord>> WaitForChangeAsync(
        AccountId? account,
        long afterVersion,
        CancellationToken cancellationToken
    )
    {
        if (Seen(account) is { IsOk: true } seen && seen.Value.Version <= afterVersion)
        {
            await _changed.WaitAsync(cancellationToken);
        }

        return Seen(account);
    }

    public async Task<Answer<ServiceRecord>> UpdateAsync(UpdateService command, CommandContext context)
    {
        if (Unchangeable(context.Account) is { } refusal)
        {
            return refusal;
        }

        if (command.IfGeneration is { } expected && expected != Current.Generation)
        {
            return WrongState($"The service is at generation {Current.Generation}, not {expected}: read it again.");
        }

        var spec = command.Spec;
        if (spec is not null)
        {
            var found = await checks.CheckAsync(Current.Account, spec, Current.Spec, GrainFactory);
            if (!found.IsOk)
            {
                return found.Refusal;
            }

            spec = found.Value;
        }

        return await ApplyAsync(editor => ServiceCommands.Update(editor, spec, command.Labels), CauseOf(context));
    }

    public async Task<Answer<ServiceRecord>> PauseAsync(bool isPaused, CommandContext context) =>
        Unchangeable(context.Account) is { } refusal
            ? refusal
            : await ApplyAsync(editor => ServiceCommands.Pause(editor, isPaused), CauseOf(context));

    public async Task<Answer<ServiceRecord>> RollbackAsync(int? revision, CommandContext context)
    {
        if (Unchangeable(context.Account) is { } refusal)
        {
            return refusal;
        }

        if (ServiceCommands.RollbackTarget(Current, revision) is not { } target)
        {
            var others = Current
                .Revisions.Where(known => known.Number != Current.Revision)
                .Select(known => known.Number);
            var text = string.Join(", ", others);
            return revision is null
                ? WrongState($"Revision {Current.Revision} has no earlier one to go back to.")
                : Refusal.Invalid(
                    new FieldFault(
                        "revision",
                        text.Length > 0 ? $"Must be one of {text}." : "No other revision is known."
                    )
                );
        }

        return await ApplyAsync(
            editor =>
            {
                editor.Change(next => next with { RequestId = context.RequestId });
                ServiceCommands.Rollback(editor, target, $"ordered by {context.Actor}");
            },
            CauseOf(context)
        );
    }

    public async Task<Answer<ServiceRecord>> DeleteAsync(CommandContext context)
    {
        if (Seen(context.Account) is { IsOk: false } unseen)
        {
            return unseen;
        }

        return Current.IsDeleting || !Current.IsLive
            ? Current
            : await ApplyAsync(ServiceCommands.OrderDelete, CauseOf(context));
    }

    public Task<Answer<ServiceDetail>> DetailAsync(AccountId? account)
    {
        var seen = Seen(account);
        return Task.FromResult<Answer<ServiceDetail>>(seen.IsOk ? Detail() : seen.Refusal);
    }

    public async Task<Answer<ServiceTimeline>> TimelineAsync(AccountId? account, long afterSequence, int limit)
    {
        var seen = Seen(account);
        return seen.IsOk
            ? new ServiceTimeline([
                .. await events.ReadAsync("service", Self.Value, afterSequence, limit, CancellationToken.None),
            ])
            : seen.Refusal;
    }

    public async Task<Answer<ServiceExplanation>> ExplainAsync(AccountId? account)
    {
        if (Seen(account) is { IsOk: false } unseen)
        {
            return unseen.Refusal;
        }

        var record = Current;
        var now = clock.Now();
        var wish = new InstanceRecord { Account = record.Account, Spec = record.Spec.Template };
        var isKnown = await names.CheckStoredAsync(record.Account, wish.Spec, GrainFactory) is null;
        return new ServiceExplanation
        {
            Detail = Detail(),
            Scaling = ScalingWords.Of(record, _loads, now),
            Missing =
            [
                .. record
                    .Staying.Where(replica => !replica.IsReady)
                    .Select(replica => new MissingReplica(
                        replica,
                        replica.Trouble.Length > 0
                            ? $"Replica {replica.ServingName}: {replica.Trouble}"
                            : ServiceWords.Of(replica),
                        replica.Seen?.Failure?.Failure,
                        replica.StartAt
                    )),
            ],
            Launch = isKnown ? await explainer.ExplainAsync(wish, GrainFactory, now) : null,
        };
    }

    public Task<Answer<ServiceServing>> ServingAsync(AccountId account)
    {
        var seen = Seen(account);
        return Task.FromResult<Answer<ServiceServing>>(
            !seen.IsOk ? seen.Refusal
            : Current.IsLive ? ServiceServing.Of(Current)
            : Refusal.NotFound($"Service {Self}")
        );
    }

    public async Task<Answer<ServiceServing>> WaitForServingAsync(
        AccountId account,
        long afterVersion,
        CancellationToken cancellationToken
    )
    {
        await WaitForChangeAsync(account, afterVersion, cancellationToken);
        return await ServingAsync(account);
    }

    public Task<bool> HoldsNameAsync() => Task.FromResult(Current.Exists ? Current.IsLive : _isCreating);

    private ServiceDetail Detail()
    {
        var now = clock.Now();
        var sum = _gateways.Sum(now);
        return new ServiceDetail(
            Current,
            new ServiceLoad(sum.Outstanding, sum.Held, sum.TokensPerSecond),
            _gateways.Reports(now)
        );
    }

    private Refusal? Unchangeable(AccountId? account) =>
        Seen(account) is { IsOk: false } unseen ? unseen.Refusal
        : !Current.IsLive ? WrongState("Nothing changes any more: the service is deleted.")
        : Current.IsDeleting ? WrongState("Nothing changes any more: the service is being deleted.")
        : null;

    private Answer<ServiceRecord> Seen(AccountId? account) =>
        Current.Exists && MaySee(account) ? Current : Refusal.NotFound($"Service {Self}");

    private bool MaySee(AccountId? account) => account is null || account == Current.Account;

    private Refusal WrongState(string why) =>
        new()
        {
            Kind = RefusalKind.WrongState,
            Message = why,
            State =
                !Current.IsLive ? "Deleted"
                : Current.IsDeleting ? "Deleting"
                : "Live",
        };

    private Cause CauseOf(CommandContext context) => new(clock.Now(), context.RequestId, context.Actor);
}
