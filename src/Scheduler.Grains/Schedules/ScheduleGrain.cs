using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Schedules;
using Scheduler.Grains.Agenda;
using Scheduler.Grains.Billing;
using Scheduler.Grains.Telemetry;

namespace Scheduler.Grains.Schedules;

/// <summary>The schedules of one instance: decide, record, act; see <see cref="ScheduleDecisions"/>.</summary>
/// <remarks>
/// It has no timer: the agenda checks once a second, which is exact enough for times in minutes. A wake-up first
/// reads the stored state, because another silo that also believes to own this grain may have written (INV-03). The
/// wake-up sends the command to the instance. If that fails, the record still requires it, and the agenda retries.
/// </remarks>
[GrainType("schedules")]
internal sealed partial class ScheduleGrain(
    IGrainContext context,
    [PersistentState("schedules", GrainStorageNames.Database)] IPersistentState<ScheduleSet> state,
    IGrainFactory grains,
    SchedulerMetrics metrics,
    TimeProvider clock,
    ILogger<ScheduleGrain> logger
) : IGrainBase, IScheduleGrain, IWakeable
{
    private const int RunsShown = 5;

    private readonly Recorded<ScheduleSet> _stored = new(state);

    public IGrainContext GrainContext => context;

    private ScheduleSet Current => _stored.Value;

    private InstanceId Instance { get; } = GrainKeys.InstanceOfSchedules(context.GrainId.Key.ToString()!);

    public async Task<Answer<ScheduleView>> CreateAsync(string id, ScheduleSpec spec, CommandContext context)
    {
        var instance = await SeenAsync(context.Account);
        if (!instance.IsOk)
        {
            return instance.Refusal;
        }

        if (instance.Value.State == InstanceState.Deleted)
        {
            return new Refusal
            {
                Kind = RefusalKind.WrongState,
                Message = "The instance is deleted and takes no schedules.",
                State = nameof(InstanceState.Deleted),
            };
        }

        if (Current.Find(id) is { } known)
        {
            return known.Spec == spec
                ? ViewOf(known)
                : Refusal.Exists($"The instance has a schedule '{id}' with other contents.");
        }

        var faults = FaultsOf(spec);
        if (Current.Schedules.Length >= ScheduleSet.MostSchedules)
        {
            faults = faults.Add(
                new FieldFault("parent", $"Has {ScheduleSet.MostSchedules} schedules, the most there may be.")
            );
        }

        if (!faults.IsEmpty)
        {
            return Refusal.Invalid(faults);
        }

        var named = Current with { Instance = Instance, Account = instance.Value.Account };
        var (key, count) = (GrainContext.GrainId.Key.ToString()!, Current.Schedules.Length);
        return await grains.WithinQuotaAsync<ScheduleView>(
            instance.Value.Account,
            new QuotaClaim(Quota.Schedules, key, count, count + 1),
            async () =>
            {
                await RecordAsync(ScheduleDecisions.Put(named, id, spec, TimeZones.Find, CauseOf(context)));
                return ViewOf(Current.Find(id)!);
            }
        );
    }

    public async Task<Answer<ScheduleView>> GetAsync(string id, AccountId? account) =>
        await FindAsync(id, account) is { IsOk: true } found ? ViewOf(found.Value) : Refusal.NotFound("Schedule");

    public async Task<Answer<ScheduleList>> ListAsync(AccountId? account)
    {
        var instance = await SeenAsync(account);
        if (!instance.IsOk)
        {
            return instance.Refusal;
        }

        var schedules = instance.Value.State == InstanceState.Deleted ? [] : Current.Schedules;
        return new ScheduleList([.. schedules.Select(ViewOf)]);
    }

    public async Task<Answer<ScheduleView>> UpdateAsync(string id, UpdateSchedule command, CommandContext context)
    {
        var found = await FindAsync(id, context.Account);
        if (!found.IsOk)
        {
            return found.Refusal;
        }

        if (command.IfGeneration is { } expected && expected != found.Value.Generation)
        {
            return new Refusal
            {
                Kind = RefusalKind.WrongState,
                Message = $"The schedule is at generation {found.Value.Generation}, not {expected}: read it again.",
            };
        }

        var spec = command.Apply(found.Value.Spec);
        var faults = FaultsOf(spec);
        if (!faults.IsEmpty)
        {
            return Refusal.Invalid(faults);
        }

        if (spec != found.Value.Spec)
        {
            await RecordAsync(ScheduleDecisions.Put(Current, id, spec, TimeZones.Find, CauseOf(context)));
        }

        return ViewOf(Current.Find(id)!);
    }

    public async Task<Answer<ScheduleView>> DeleteAsync(string id, CommandContext context)
    {
        var found = await FindAsync(id, context.Account);
        if (!found.IsOk)
        {
            return found.Refusal;
        }

        var was = ViewOf(found.Value);
        await RecordAsync(ScheduleDecisions.Remove(Current, id, TimeZones.Find, CauseOf(context)));
        return was with { NextRuns = [] };
    }

    public async Task ForgetAsync(CommandContext context)
    {
        if (!Current.IsEmpty)
        {
            await RecordAsync(ScheduleDecisions.Forget(Current, CauseOf(context)));
        }
    }

    /// <summary>The instance, if the account may see it.</summary>
    private async Task<Answer<InstanceRecord>> SeenAsync(AccountId? account)
    {
        var instance = await grains.Instance(Instance).GetAsync(account);
        if (!instance.IsOk && Current.IsEmpty)
        {
            // Guessed ids must not fill the memory with activations.
            this.DeactivateOnIdle();
        }

        return instance;
    }

    private async Task<Answer<Schedule>> FindAsync(string id, AccountId? account)
    {
        var instance = await SeenAsync(account);
        return instance is { IsOk: true, Value.State: not InstanceState.Deleted } && Current.Find(id) is { } schedule
            ? schedule
            : Refusal.NotFound("Schedule");
    }

    private ScheduleView ViewOf(Schedule schedule)
    {
        var runs = ImmutableArray.CreateBuilder<DateTimeOffset>();
        if (schedule.Spec.Enabled && schedule.Spec.TimetableIn(TimeZones.Find) is { } timetable)
        {
            var place = timetable.PlaceOf(clock.Now());
            Occurrence? last = place.At > schedule.DealtWith.At ? place : schedule.DealtWith;
            while (runs.Count < RunsShown && (last = timetable.NextAfter(last.Value)) is { } next)
            {
                runs.Add(next.At);
            }
        }

        return new ScheduleView(Current.Account, Instance, schedule, runs.ToImmutable());
    }

    private Task RecordAsync(ScheduleSet next) => _stored.WriteAsync(next, this);

    private Cause CauseOf(CommandContext command) => new(clock.Now(), command.RequestId, command.Actor);

    private static ImmutableArray<FieldFault> FaultsOf(ScheduleSpec spec) =>
        [
            .. ScheduleValidation
                .FaultsOf(spec, TimeZones.Find)
                .Select(fault => new FieldFault(fault.Field, fault.Description)),
        ];
}
