using Scheduler.Domain.Instances;

namespace Scheduler.Grains.Instances;

/// <summary>Start, and start with another spec: both are one write.</summary>
internal sealed partial class InstanceGrain
{
    private const string RepairCommand = "Repair";

    public async Task<Answer<InstanceRecord>> RepairAsync(RepairInstance command, CommandContext context)
    {
        if (VisibleTo(context.Account) is { IsOk: false } hidden)
        {
            return hidden;
        }

        if (_recorded.WasHandled(RepairCommand, context.ClientRequestId))
        {
            return StartedBefore();
        }

        if (Outdated(command.IfGeneration) is { } outdated)
        {
            return outdated;
        }

        var remedies = Remedies.For(_recorded);
        if (remedies.IsEmpty)
        {
            return WrongState("Only a stopped or failed instance has remedies.");
        }

        if (remedies.FirstOrDefault(known => known.Id == command.Remedy) is not { } remedy)
        {
            var ids = string.Join(", ", remedies.Select(known => known.Id));
            return Refusal.Invalid(new FieldFault("remedy", $"Must be one of {ids}."));
        }

        return await BeginAsync(RepairCommand, remedy.Spec, context);
    }

    /// <param name="command">Name under which a repetition is recognized.</param>
    /// <param name="spec">Spec to store with the start; null for the recorded one.</param>
    private async Task<Answer<InstanceRecord>> BeginAsync(string command, LaunchSpec? spec, CommandContext context)
    {
        if (!InstanceLifecycle.TryNext(_recorded.State, InstanceTrigger.Start, out _))
        {
            return WrongState($"Start is not possible while the instance is {StateName}.");
        }

        var next = _recorded;
        if (spec is not null)
        {
            var named = await names.CheckAsync(_recorded.Account, spec, _recorded.Spec, GrainFactory);
            if (!named.IsOk)
            {
                return named.Refusal;
            }

            next = WithSpec(_recorded, named.Value);
        }
        else if (await names.CheckStoredAsync(_recorded.Account, _recorded.Spec, GrainFactory) is { } outdated)
        {
            return outdated;
        }

        var run = _recorded.Run + 1;
        var found = await CheckAsync(next, run, 1, context.RequestId);
        var cause = CauseOf(context);
        var waits = found.IsCuredByTime && InstanceDecisions.MayWait(next, isNew: true, cause.Now);
        var decision = spec is null
            ? Decide(_recorded)
            : InstanceDecisions.Change(_recorded, record => WithSpec(record, next.Spec), cause).And(Decide);
        var answer = await ApplyAsync(Remembering(decision, command, context, cause));
        return found.Failure is null || waits || !answer.IsOk ? answer : Refusal.Failed(found.Failure);

        InstanceDecision Decide(InstanceRecord record) =>
            found.Intent is { } intent ? InstanceDecisions.Begin(record, intent, run, 1, cause)
            : waits ? InstanceDecisions.StartWaiting(record, found.Failure!, cause)
            : InstanceDecisions.Refuse(record, found.Failure!, cause);
    }

    /// <summary>The answer to a repeated command; the run may have failed since.</summary>
    private Answer<InstanceRecord> StartedBefore() =>
        _recorded is { State: InstanceState.Failed, Failure: { } failed } ? Refusal.Failed(failed.Failure) : _recorded;

    private static InstanceRecord WithSpec(InstanceRecord record, LaunchSpec spec) =>
        record with
        {
            Spec = spec,
            PastFailures = PastFailures.After(record.PastFailures, record.Spec, spec),
        };
}
