using System.Collections.Immutable;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Schedules;

namespace Scheduler.Grains.Schedules;

[Alias("scheduler.IScheduleGrain")]
[GrainInterfaceType("scheduler.schedules")]
public interface IScheduleGrain : IGrainWithStringKey
{
    /// <summary>Adds a schedule. Idempotent; another spec under the same id is refused.</summary>
    [Alias("Create")]
    Task<Answer<ScheduleView>> CreateAsync(string id, ScheduleSpec spec, CommandContext context);

    /// <param name="account">Account of the caller; null means all accounts (operator).</param>
    [Alias("Get"), AlwaysInterleave]
    Task<Answer<ScheduleView>> GetAsync(string id, AccountId? account);

    /// <summary>All schedules ordered by id; empty for a deleted instance.</summary>
    [Alias("List"), AlwaysInterleave]
    Task<Answer<ScheduleList>> ListAsync(AccountId? account);

    /// <summary>Changes a schedule. Runs due before a change of its times count as handled.</summary>
    [Alias("Update")]
    Task<Answer<ScheduleView>> UpdateAsync(string id, UpdateSchedule command, CommandContext context);

    /// <summary>Removes a schedule and returns its last content.</summary>
    [Alias("Delete")]
    Task<Answer<ScheduleView>> DeleteAsync(string id, CommandContext context);

    /// <summary>
    /// Removes all schedules of a deleted instance. The call may be lost: remaining schedules are not shown, and a
    /// due run finds the instance deleted. The instance does not await it, because its schedules may be awaiting the
    /// instance (deadlock).
    /// </summary>
    [Alias("Forget")]
    Task ForgetAsync(CommandContext context);
}

/// <summary>An update; null leaves a part unchanged.</summary>
/// <param name="IfGeneration">Refuse unless this is the current generation; null for any.</param>
[GenerateSerializer, Immutable, Alias("scheduler.UpdateSchedule")]
public sealed record UpdateSchedule(
    [property: Id(0)] ScheduleAction? Action,
    [property: Id(1)] string? Cron,
    [property: Id(2)] string? TimeZone,
    [property: Id(3)] bool? Enabled,
    [property: Id(4)] string? Description,
    [property: Id(5)] long? IfGeneration = null
)
{
    public ScheduleSpec Apply(ScheduleSpec spec) =>
        spec with
        {
            Action = Action ?? spec.Action,
            Cron = Cron ?? spec.Cron,
            TimeZone = TimeZone ?? spec.TimeZone,
            Enabled = Enabled ?? spec.Enabled,
            Description = Description ?? spec.Description,
        };
}

/// <param name="NextRuns">Next due times by the time zone data of the answering silo; empty while disabled.</param>
[GenerateSerializer, Immutable, Alias("scheduler.ScheduleView")]
public sealed record ScheduleView(
    [property: Id(0)] AccountId Account,
    [property: Id(1)] InstanceId Instance,
    [property: Id(2)] Schedule Schedule,
    [property: Id(3)] ImmutableArray<DateTimeOffset> NextRuns
);

/// <param name="Schedules">Ordered by id.</param>
[GenerateSerializer, Immutable, Alias("scheduler.ScheduleList")]
public sealed record ScheduleList([property: Id(0)] ImmutableArray<ScheduleView> Schedules);
