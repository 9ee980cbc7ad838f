using System.Collections.Immutable;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Schedules;

namespace Scheduler.Grains.Schedules;

/// <summary>The schedules of one instance.</summary>
[Alias("scheduler.IScheduleGrain")]
[GrainInterfaceType("scheduler.schedules")]
public interface IScheduleGrain : IGrainWithStringKey
{
    /// <summary>Adds a schedule. The same one again is harmless; another under its id is refused.</summary>
    [Alias("Create")]
    Task<Answer<ScheduleView>> CreateAsync(string id, ScheduleSpec spec, CommandContext context);

    /// <summary>One schedule.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="account">Whose eyes; null for an operator.</param>
    [Alias("Get"), AlwaysInterleave]
    Task<Answer<ScheduleView>> GetAsync(string id, AccountId? account);

    /// <summary>All schedules, in order of id; none of a deleted instance.</summary>
    /// <param name="account">Whose eyes; null for an operator.</param>
    [Alias("List"), AlwaysInterleave]
    Task<Answer<ScheduleList>> ListAsync(AccountId? account);

    /// <summary>Changes a schedule. What came due before the change of its times is dealt with.</summary>
    [Alias("Update")]
    Task<Answer<ScheduleView>> UpdateAsync(string id, UpdateSchedule command, CommandContext context);

    /// <summary>Removes a schedule; answers what it was.</summary>
    [Alias("Delete")]
    Task<Answer<ScheduleView>> DeleteAsync(string id, CommandContext context);

    /// <summary>
    /// The instance was deleted. May be lost: what is left is not shown, and what is due finds the instance deleted. The instance does not
    /// wait for it, because it could be waited for by its schedules.
    /// </summary>
    [Alias("Forget")]
    Task ForgetAsync(CommandContext context);
}

/// <summary>What an update changes; null leaves a part as it is.</summary>
/// <param name="Action">What is done.</param>
/// <param name="Cron">When.</param>
/// <param name="TimeZone">By whose clocks.</param>
/// <param name="Enabled">Whether at all.</param>
/// <param name="Description">For people.</param>
/// <param name="IfGeneration">Refuse unless this is the present generation; null for any.</param>
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
    /// <summary>A spec with the changes.</summary>
    public ScheduleSpec Apply(ScheduleSpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        return spec with
        {
            Action = Action ?? spec.Action,
            Cron = Cron ?? spec.Cron,
            TimeZone = TimeZone ?? spec.TimeZone,
            Enabled = Enabled ?? spec.Enabled,
            Description = Description ?? spec.Description,
        };
    }
}

/// <summary>A schedule as it is shown.</summary>
/// <param name="Account">Whose.</param>
/// <param name="Instance">Of which instance.</param>
/// <param name="Schedule">What is recorded.</param>
/// <param name="NextRuns">When it comes due next, by the time zone data of the silo that answers; empty while it is disabled.</param>
[GenerateSerializer, Immutable, Alias("scheduler.ScheduleView")]
public sealed record ScheduleView(
    [property: Id(0)] AccountId Account,
    [property: Id(1)] InstanceId Instance,
    [property: Id(2)] Schedule Schedule,
    [property: Id(3)] ImmutableArray<DateTimeOffset> NextRuns
);

/// <summary>An instance's schedules.</summary>
/// <param name="Schedules">In order of id.</param>
[GenerateSerializer, Immutable, Alias("scheduler.ScheduleList")]
public sealed record ScheduleList([property: Id(0)] ImmutableArray<ScheduleView> Schedules);
