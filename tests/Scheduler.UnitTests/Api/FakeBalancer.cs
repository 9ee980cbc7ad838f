using Scheduler.Domain.Balancers;
using Scheduler.Domain.Ids;
using Scheduler.Grains;
using Scheduler.Grains.Balancers;

namespace Scheduler.UnitTests.Api;

/// <summary>A balancer in memory, with the account checks of the real one.</summary>
internal sealed class FakeBalancer(BalancerId id) : IBalancerGrain
{
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public BalancerRecord Record { get; private set; } = new();

    public List<BalancerReport> Reports { get; } = [];

    public void Put(BalancerRecord record)
    {
        Record = record with { Id = id, Generation = Record.Generation + 1 };
        Interlocked.Exchange(ref _changed, new(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
    }

    public Task<Answer<BalancerRecord>> CreateAsync(CreateBalancer command, CommandContext context)
    {
        if (!Record.Exists)
        {
            Put(
                new BalancerRecord
                {
                    Account = command.Account,
                    ServingName = command.ServingName,
                    Spec = command.Spec,
                }
            );
        }

        return Task.FromResult<Answer<BalancerRecord>>(Record);
    }

    public Task<Answer<BalancerRecord>> GetAsync(AccountId? account) => Task.FromResult(Seen(account));

    public async Task<Answer<BalancerRecord>> WaitForChangeAsync(
        AccountId? account,
        long afterGeneration,
        CancellationToken cancellationToken
    )
    {
        var changed = _changed.Task;
        if (Record.Generation <= afterGeneration)
        {
            await changed.WaitAsync(cancellationToken);
        }

        return Seen(account);
    }

    public Task<Answer<BalancerRecord>> UpdateAsync(UpdateBalancer command, CommandContext context)
    {
        if (Seen(context.Account).IsOk)
        {
            Put(Record with { Spec = command.Spec });
        }

        return Task.FromResult(Seen(context.Account));
    }

    public Task<Answer<BalancerRecord>> DeleteAsync(CommandContext context)
    {
        if (Seen(context.Account).IsOk)
        {
            Put(Record with { DeletedAt = DateTimeOffset.UnixEpoch });
        }

        return Task.FromResult(Seen(context.Account));
    }

    public Task<Answer<BalancerDetail>> DetailAsync(AccountId? account)
    {
        var seen = Seen(account);
        return Task.FromResult<Answer<BalancerDetail>>(
            seen.IsOk
                ? new BalancerDetail(seen.Value, [.. Reports], [.. Reports.SelectMany(report => report.Failures)])
                : seen.Refusal
        );
    }

    public Task<Answer<BalancerTimeline>> TimelineAsync(AccountId? account, long afterSequence, int limit)
    {
        var seen = Seen(account);
        return Task.FromResult<Answer<BalancerTimeline>>(seen.IsOk ? new BalancerTimeline([]) : seen.Refusal);
    }

    public Task ObserveAsync(BalancerReport report)
    {
        lock (Reports)
        {
            Reports.Add(report);
        }

        return Task.CompletedTask;
    }

    private Answer<BalancerRecord> Seen(AccountId? scope) =>
        Record.Exists && (scope is null || scope == Record.Account) ? Record : Refusal.NotFound($"Balancer {id}");
}
