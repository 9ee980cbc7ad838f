using System.Globalization;
using Scheduler.ClusterTests.Schedules;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Schedules;
using Scheduler.Grains;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.ClusterTests.Instances;

/// <summary>
/// One execution of a path with one failing step. The client repeats each command until it is acknowledged, and waits
/// until the state settles.
/// </summary>
internal sealed class EveryStepCase
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(15);

    private readonly string _path;
    private int _commands;

    public EveryStepCase(TestScheduler scheduler, string path, int number, TakenStep? goes, StepFault wrong)
    {
        (Scheduler, _path) = (scheduler, path);
        var kind = path.Split(' ', ',')[0];
        Account = Make.Account(string.Create(CultureInfo.InvariantCulture, $"{kind}-{number}."));
        Id = new InstanceId(string.Create(CultureInfo.InvariantCulture, $"i-{kind}-{number}."));
        Steps = new StepFaults(key =>
            key.Contains(Id.Value, StringComparison.Ordinal) || key.Contains(Account.Value, StringComparison.Ordinal)
        )
        {
            Goes = goes,
            Wrong = wrong,
        };
        scheduler.Faults.Watch(Steps);
        scheduler.Cloud.Watch(Steps);
    }

    public TestScheduler Scheduler { get; }

    public AccountId Account { get; }

    public InstanceId Id { get; }

    public StepFaults Steps { get; }

    public override string ToString() => $"{_path}: {Steps.Goes} {Steps.Wrong}";

    /// <summary>An account with money and the instance.</summary>
    public async Task CreateAsync(LaunchSpec? spec = null)
    {
        await InsistAsync(() =>
            Scheduler
                .Grains.Account(Account)
                .CreateAsync(new Grains.Billing.CreateAccount(Account.Value, TimeSpan.Zero), Scheduler.As(null))
        );
        await InsistAsync(() =>
            Scheduler.Grains.Account(Account).TopUpAsync(Make.Euros(50), "opening", Scheduler.As(null))
        );
        await CreateInstanceAsync(Id, spec);
    }

    /// <summary>An instance with the single serving name of the case.</summary>
    public Task CreateInstanceAsync(InstanceId id, LaunchSpec? spec = null) =>
        InsistAsync(() => Scheduler.TryCreateAsync(Account, id, spec, name: "chat"));

    public Task InsistOnScheduleAsync(string schedule, ScheduleAction action, string cron) =>
        InsistAsync(() =>
            Scheduler
                .Grains.Schedules(Id)
                .CreateAsync(schedule, ScheduleDriving.Spec(action, cron), Scheduler.As(Account))
        );

    public Task StartAsync()
    {
        var command = $"start-{++_commands}";
        return InsistAsync(() => Scheduler.LaunchAsync(Id, command));
    }

    public Task StopAsync()
    {
        var command = $"stop-{++_commands}";
        return InsistAsync(() => Scheduler.StopAsync(Id, command));
    }

    public Task DeleteAsync() => InsistAsync(() => Scheduler.DeleteAsync(Id));

    /// <summary>Starts the instance, again after a failure, until it runs and is metered.</summary>
    public async Task RunAsync()
    {
        await UntilAsync(
            async record =>
            {
                if (record is { State: InstanceState.Stopped or InstanceState.Failed, PendingCleanups.IsEmpty: true })
                {
                    await StartAsync();
                }
                else if (record.State == InstanceState.Starting)
                {
                    MakeReady(record);
                }

                return record.State == InstanceState.Running && (await Scheduler.MoneyAsync(Account)).Running == 1;
            },
            "it runs and is metered"
        );
    }

    /// <summary>Waits for a state without pending cleanup.</summary>
    public Task SettleAsync(params InstanceState[] states) =>
        UntilAsync(
            record => Task.FromResult(record.PendingCleanups.IsEmpty && states.Contains(record.State)),
            $"it is {string.Join(" or ", states)} without pending cleanup"
        );

    public Task PassAsync(TimeSpan time)
    {
        var until = Scheduler.Clock.GetUtcNow() + time;
        return UntilAsync(_ => Task.FromResult(Scheduler.Clock.GetUtcNow() >= until), $"{time} passes");
    }

    /// <summary>Reads the record until it matches, and repeats calls that fail.</summary>
    public async Task UntilAsync(Func<InstanceRecord, Task<bool>> isSo, string what)
    {
        var start = TimeProvider.System.GetTimestamp();
        InstanceRecord? last = null;
        Exception? failure = null;
        while (TimeProvider.System.GetElapsedTime(start) < Patience)
        {
            try
            {
                last = await Scheduler.SeeAsync(Id);
                if (await isSo(last))
                {
                    return;
                }
            }
            catch (Exception exception)
            {
                failure = exception;
            }

            await Task.Delay(Poll, TimeProvider.System, TestContext.Current.CancellationToken);
        }

        throw new TimeoutException(
            $"Still not: {what}. {last?.State} {last?.Intent?.Key} owing {last?.PendingCleanups.Length}; last failure: {failure?.Message}"
        );
    }

    /// <summary>A client that received no answer sends the same command again.</summary>
    private static async Task InsistAsync<T>(Func<Task<Answer<T>>> command)
        where T : class
    {
        const int Tries = 40;
        for (var left = Tries; ; left--)
        {
            try
            {
                var answer = await command();
                if (answer.IsOk || answer.Refusal.Kind == RefusalKind.Failed)
                {
                    return;
                }

                throw new InvalidOperationException($"{answer.Refusal.Kind}: {answer.Refusal.Message}");
            }
            catch (Exception) when (left > 1)
            {
                await Task.Delay(Poll, TimeProvider.System, TestContext.Current.CancellationToken);
            }
        }
    }

    private void MakeReady(InstanceRecord record)
    {
        var key = record.Intent!.Key;
        if (Scheduler.Cloud.Held.Any(held => held.Key == key && held.Status == AllocationStatus.Booting))
        {
            Scheduler.Cloud.BecomeReady(key);
        }
    }
}
