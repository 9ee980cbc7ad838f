using System.Globalization;
using Scheduler.Domain.Balancers;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Events;
using Scheduler.Domain.Ids;
using Scheduler.Grains.Billing;
using Scheduler.Grains.Firewalls;
using Scheduler.Grains.Instances;

namespace Scheduler.Grains.Balancers;

[GrainType("balancer")]
internal sealed class BalancerGrain(
    [PersistentState("balancer", GrainStorageNames.Database)] IPersistentState<BalancerRecord> state,
    IEventLog events,
    TimeProvider clock
) : Grain, IBalancerGrain, INamed
{
    private readonly Recorded<BalancerRecord> _balancer = new(state);
    private readonly BalancerReports _reports = new();
    private readonly ChangeSignal _changed = new(clock);
    private bool _isCreating;

    private BalancerId Self => new(this.GetPrimaryKeyString());

    private NameHolder Holder => new(Self.Value);

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        _changed.Close();
        return Task.CompletedTask;
    }

    public async Task<Answer<BalancerRecord>> CreateAsync(CreateBalancer command, CommandContext context)
    {
        var fingerprint = Fingerprint.Of(command);
        if (_balancer.Value.Exists)
        {
            return
                string.Equals(_balancer.Value.CreateFingerprint, fingerprint, StringComparison.Ordinal)
                && MaySee(context.Account)
                ? _balancer.Value
                : Refusal.Exists("A balancer was already created under this request id, with other contents.");
        }

        var account = await GrainFactory.Account(command.Account).GetAsync(context.Account);
        if (!account.IsOk)
        {
            return account.Refusal;
        }

        if (await FindUnknownNamesAsync(command.Account, command.Spec) is { } refusal)
        {
            return refusal;
        }

        return await GrainFactory.WithinQuotaAsync(
            command.Account,
            new QuotaClaim(Quota.Balancers, Self.Value),
            () => ClaimNameAndRecordAsync(command, fingerprint, context)
        );
    }

    private async Task<Answer<BalancerRecord>> ClaimNameAndRecordAsync(
        CreateBalancer command,
        string fingerprint,
        CommandContext context
    )
    {
        // While the record is being written, HoldsNameAsync must already confirm the claimed name.
        _isCreating = true;
        try
        {
            var name = GrainFactory.ServingName(command.Account, command.ServingName);
            if (await name.ClaimAsync(Holder) != Holder)
            {
                return Refusal.Exists(
                    $"Serving name '{command.ServingName}' is taken by another instance, balancer or service of the account."
                );
            }

            var blank = new BalancerRecord
            {
                Id = Self,
                Account = command.Account,
                ServingName = command.ServingName,
                Spec = command.Spec,
                CreatedAt = clock.Now(),
                CreateFingerprint = fingerprint,
            };
            await RecordAsync(blank, "Create", "created", context);
            return _balancer.Value;
        }
        finally
        {
            _isCreating = false;
        }
    }

    public Task<Answer<BalancerRecord>> GetAsync(AccountId? account) => Task.FromResult(Seen(account));

    public async Task<Answer<BalancerRecord>> WaitForChangeAsync(
        AccountId? account,
        long afterGeneration,
        CancellationToken cancellationToken
    )
    {
        if (Seen(account) is { IsOk: true } seen && seen.Value.Generation <= afterGeneration)
        {
            await _changed.WaitAsync(cancellationToken);
        }

        return Seen(account);
    }

    public async Task<Answer<BalancerRecord>> UpdateAsync(UpdateBalancer command, CommandContext context)
    {
        if (Seen(context.Account) is { IsOk: false } unseen)
        {
            return unseen;
        }

        var balancer = _balancer.Value;
        if (!balancer.IsLive)
        {
            return WrongState("The balancer is deleted and cannot change.");
        }

        if (command.IfGeneration is { } expected && expected != balancer.Generation)
        {
            return WrongState($"The balancer is at generation {balancer.Generation}, not {expected}: read it again.");
        }

        // The balancer's own serving name was unknown to the API's validation.
        var faults = BalancerValidation.FaultsOf(balancer.ServingName, command.Spec);
        if (!faults.IsEmpty)
        {
            return Refusal.Invalid(faults.Select(fault => new FieldFault(fault.Field, fault.Description)));
        }

        if (await FindUnknownNamesAsync(balancer.Account, command.Spec) is { } refusal)
        {
            return refusal;
        }

        await RecordAsync(balancer with { Spec = command.Spec }, "Update", "spec replaced", context);
        return _balancer.Value;
    }

    public async Task<Answer<BalancerRecord>> DeleteAsync(CommandContext context)
    {
        if (Seen(context.Account) is { IsOk: false } unseen)
        {
            return unseen;
        }

        if (_balancer.Value.IsLive)
        {
            await RecordAsync(_balancer.Value with { DeletedAt = clock.Now() }, "Delete", "deleted", context);
        }

        // A crash may lose this call, which is harmless: the next claim of the name checks whether its holder still
        // exists.
        await GrainFactory.ServingName(_balancer.Value.Account, _balancer.Value.ServingName).ReleaseAsync(Holder);
        return _balancer.Value;
    }

    public Task<Answer<BalancerDetail>> DetailAsync(AccountId? account)
    {
        var seen = Seen(account);
        return Task.FromResult<Answer<BalancerDetail>>(
            seen.IsOk
                ? new BalancerDetail(seen.Value, _reports.Gateways(clock.Now()), _reports.Failures())
                : seen.Refusal
        );
    }

    public async Task<Answer<BalancerTimeline>> TimelineAsync(AccountId? account, long afterSequence, int limit)
    {
        var seen = Seen(account);
        return seen.IsOk
            ? new BalancerTimeline([
                .. await events.ReadAsync("balancer", Self.Value, afterSequence, limit, CancellationToken.None),
            ])
            : seen.Refusal;
    }

    public Task ObserveAsync(BalancerReport report)
    {
        if (_balancer.Value.IsLive)
        {
            _reports.Add(report, clock.Now());
        }

        return Task.CompletedTask;
    }

    public Task<bool> HoldsNameAsync() =>
        Task.FromResult(_balancer.Value.Exists ? _balancer.Value.IsLive : _isCreating);

    private async Task RecordAsync(BalancerRecord next, string verb, string reason, CommandContext context)
    {
        var now = clock.Now();
        var sequence = _balancer.Value.LastSequence + 1;
        await _balancer.WriteAsync(
            next with
            {
                Generation = _balancer.Value.Generation + 1,
                UpdatedAt = now,
                LastSequence = sequence,
                Events =
                [
                    new StoredEvent
                    {
                        Sequence = sequence,
                        At = now,
                        Trigger = verb,
                        Reason = string.Create(CultureInfo.InvariantCulture, $"{reason}; {Describe(next.Spec)}"),
                        RequestId = context.RequestId,
                        Actor = context.Actor,
                    },
                ],
            },
            this
        );
        _changed.Raise();
    }

    private static string Describe(BalancerSpec spec) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{spec.Routes.Length} routes to {spec.Destinations.Length} instances"
        );

    /// <summary>
    /// Validation errors for every name in a spec that is not an instance of the account (or, for the firewall,
    /// missing); null without errors. A balancer cannot lead to a balancer.
    /// </summary>
    private async Task<Refusal?> FindUnknownNamesAsync(AccountId account, BalancerSpec spec)
    {
        var references = ReferencesOf(spec).ToList();
        var names = references.Select(reference => reference.ServingName).Distinct(StringComparer.Ordinal).ToList();
        var holders = await Task.WhenAll(names.Select(name => GrainFactory.ServingName(account, name).HolderAsync()));
        var byName = names.Zip(holders).ToDictionary(pair => pair.First, pair => pair.Second, StringComparer.Ordinal);
        var faults = references
            .Select(reference => new FieldFault(
                reference.Field,
                WhatIsWrong(reference.ServingName, byName[reference.ServingName])
            ))
            .Where(fault => fault.Description.Length > 0)
            .ToList();
        if (spec.Firewall is { } slug && !(await GrainFactory.Firewalls(account).GetAsync(slug, account)).IsOk)
        {
            // A missing firewall refuses every request, so report it now.
            faults.Add(new FieldFault("spec.firewall", $"The account has no firewall `{slug}`."));
        }

        return faults.Count > 0 ? Refusal.Invalid(faults) : null;
    }

    private static string WhatIsWrong(string name, NameHolder? holder) =>
        holder is null ? $"No instance of the account has the serving name `{name}`."
        : !holder.Value.IsInstance
            ? $"`{name}` is a {(holder.Value.IsBalancer ? "balancer" : "service")}; only instances can be named here."
        : "";

    private static IEnumerable<(string Field, string ServingName)> ReferencesOf(BalancerSpec spec)
    {
        for (var i = 0; i < spec.Routes.Length; i++)
        {
            if (spec.Routes[i].Instance is { } instance)
            {
                yield return ($"spec.routes[{i}].instance", instance);
            }
        }

        for (var i = 0; i < spec.Groups.Length; i++)
        {
            for (var m = 0; m < spec.Groups[i].Members.Length; m++)
            {
                yield return ($"spec.target_groups[{i}].members[{m}].instance", spec.Groups[i].Members[m].ServingName);
            }
        }

        if (spec.Router is { } router)
        {
            yield return ("spec.router.instance", router.ServingName);
        }
    }

    private Answer<BalancerRecord> Seen(AccountId? account) =>
        _balancer.Value.Exists && MaySee(account) ? _balancer.Value : Refusal.NotFound($"Balancer {Self}");

    private bool MaySee(AccountId? account) => account is null || account == _balancer.Value.Account;

    private Refusal WrongState(string why) =>
        new()
        {
            Kind = RefusalKind.WrongState,
            Message = why,
            State = _balancer.Value.IsLive ? "Live" : "Deleted",
        };
}
