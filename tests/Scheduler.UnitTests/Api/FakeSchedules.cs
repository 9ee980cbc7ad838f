using System.Collections.Concurrent;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Schedules;
using Scheduler.Grains;
using Scheduler.Grains.Schedules;

namespace Scheduler.UnitTests.Api;

/// <summary>The schedules of one instance in memory, as far as the API needs them.</summary>
internal sealed class FakeSchedules(InstanceId instance, FakeCluster cluster) : IScheduleGrain
{
    public static readonly DateTimeOffset NextRun = new(2026, 3, 1, 7, 0, 0, TimeSpan.Zero);

    private readonly ConcurrentDictionary<string, Schedule> _schedules = new(StringComparer.Ordinal);

    public CommandContext? LastCommand { get; private set; }

    public async Task<Answer<ScheduleView>> CreateAsync(string id, ScheduleSpec spec, CommandContext context)
    {
        LastCommand = context;
        var owner = await cluster.Instance(instance).GetAsync(context.Account);
        if (!owner.IsOk)
        {
            return owner.Refusal;
        }

        var made = _schedules.GetOrAdd(
            id,
            new Schedule
            {
                Id = id,
                Spec = spec,
                Generation = 1,
            }
        );
        return made.Spec == spec ? View(owner.Value.Account, made) : Refusal.Exists("other contents");
    }

    public async Task<Answer<ScheduleView>> GetAsync(string id, AccountId? account)
    {
        var owner = await cluster.Instance(instance).GetAsync(account);
        return owner.IsOk && _schedules.TryGetValue(id, out var schedule)
            ? View(owner.Value.Account, schedule)
            : Refusal.NotFound("Schedule");
    }

    public async Task<Answer<ScheduleList>> ListAsync(AccountId? account)
    {
        var owner = await cluster.Instance(instance).GetAsync(account);
        return owner.IsOk
            ? new ScheduleList([
                .. _schedules
                    .Values.OrderBy(schedule => schedule.Id, StringComparer.Ordinal)
                    .Select(schedule => View(owner.Value.Account, schedule)),
            ])
            : owner.Refusal;
    }

    public async Task<Answer<ScheduleView>> UpdateAsync(string id, UpdateSchedule command, CommandContext context)
    {
        var found = await GetAsync(id, context.Account);
        if (found.IsOk)
        {
            var was = found.Value.Schedule;
            _schedules[id] = was with { Spec = command.Apply(was.Spec), Generation = was.Generation + 1 };
        }

        return await GetAsync(id, context.Account);
    }

    public async Task<Answer<ScheduleView>> DeleteAsync(string id, CommandContext context)
    {
        var found = await GetAsync(id, context.Account);
        if (found.IsOk)
        {
            _schedules.TryRemove(id, out _);
        }

        return found;
    }

    public Task ForgetAsync(CommandContext context)
    {
        _schedules.Clear();
        return Task.CompletedTask;
    }

    public void SetLastRun(string id, ScheduleRun run) => _schedules[id] = _schedules[id] with { LastRun = run };

    private ScheduleView View(AccountId account, Schedule schedule) =>
        new(account, instance, schedule, schedule.Spec.Enabled ? [NextRun, NextRun.AddDays(1)] : []);
}
