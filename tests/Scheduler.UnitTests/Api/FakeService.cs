using System.Collections.Concurrent;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Services;
using Scheduler.Grains;
using Scheduler.Grains.Services;

namespace Scheduler.UnitTests.Api;

/// <summary>
/// A service in memory, with the account checks and the commands of the real one; nothing starts replicas. It keeps the load that gateways
/// report.
/// </summary>
internal sealed class FakeService(ServiceId id) : IServiceGrain
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private ServiceServing? _view;
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ServiceRecord Record { get; private set; } = new();

    /// <summary>As gateways see it: what a test put, or else the record; null while it does not exist.</summary>
    public ServiceServing? View => _view ?? (Record.IsLive ? ServiceServing.Of(Record) : null);

    public ConcurrentQueue<LoadReport> Loads { get; } = new();

    public void Put(ServiceServing? view)
    {
        _view = view is null ? null : view with { Id = id, Version = (View?.Version ?? 0) + 1 };
        Interlocked.Exchange(ref _changed, new(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
    }

    private void Put(ServiceRecord record)
    {
        Record = record with { Id = id, Version = Record.Version + 1 };
        Interlocked.Exchange(ref _changed, new(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
    }

    public Task<Answer<ServiceRecord>> CreateAsync(CreateService command, CommandContext context)
    {
        if (!Record.Exists)
        {
            var blank = new ServiceRecord
            {
                Id = id,
                Account = command.Account,
                ServingName = command.ServingName,
                Spec = command.Spec,
                Labels = command.Labels,
            };
            Change(editor => ServiceCommands.Create(editor, blank), context);
        }

        return Task.FromResult<Answer<ServiceRecord>>(Record);
    }

    public Task<Answer<ServiceRecord>> GetAsync(AccountId? account) => Task.FromResult(Seen(account));

    public async Task<Answer<ServiceRecord>> WaitForChangeAsync(
        AccountId? account,
        long afterVersion,
        CancellationToken cancellationToken
    )
    {
        var changed = _changed.Task;
        if (Record.Version <= afterVersion)
        {
            await changed.WaitAsync(cancellationToken);
        }

        return Seen(account);
    }

    public Task<Answer<ServiceRecord>> UpdateAsync(UpdateService command, CommandContext context) =>
        CommandAsync(editor => ServiceCommands.Update(editor, command.Spec, command.Labels), context);

    public Task<Answer<ServiceRecord>> PauseAsync(bool isPaused, CommandContext context) =>
        CommandAsync(editor => ServiceCommands.Pause(editor, isPaused), context);

    public Task<Answer<ServiceRecord>> RollbackAsync(int? revision, CommandContext context) =>
        CommandAsync(
            editor =>
            {
                if (ServiceCommands.RollbackTarget(editor.Next, revision) is { } target)
                {
                    ServiceCommands.Rollback(editor, target, "ordered");
                }
            },
            context
        );

    public Task<Answer<ServiceRecord>> DeleteAsync(CommandContext context) =>
        CommandAsync(ServiceCommands.OrderDelete, context);

    public Task<Answer<ServiceDetail>> DetailAsync(AccountId? account)
    {
        var seen = Seen(account);
        return Task.FromResult<Answer<ServiceDetail>>(
            seen.IsOk ? new ServiceDetail(seen.Value, new ServiceLoad(3, 1, 20), [.. Loads]) : seen.Refusal
        );
    }

    public Task<Answer<ServiceTimeline>> TimelineAsync(AccountId? account, long afterSequence, int limit)
    {
        var seen = Seen(account);
        return Task.FromResult<Answer<ServiceTimeline>>(
            seen.IsOk ? new ServiceTimeline(seen.Value.Events) : seen.Refusal
        );
    }

    public async Task<Answer<ServiceExplanation>> ExplainAsync(AccountId? account)
    {
        var detail = await DetailAsync(account);
        return detail.IsOk
            ? new ServiceExplanation { Detail = detail.Value, Scaling = ["1 replica is wanted."] }
            : detail.Refusal;
    }

    public Task ReportLoadAsync(LoadReport report)
    {
        Loads.Enqueue(report);
        return Task.CompletedTask;
    }

    public Task<Answer<ServiceServing>> ServingAsync(AccountId account) => Task.FromResult(Served(account));

    public async Task<Answer<ServiceServing>> WaitForServingAsync(
        AccountId account,
        long afterVersion,
        CancellationToken cancellationToken
    )
    {
        var changed = _changed.Task;
        if (View?.Version <= afterVersion)
        {
            await changed.WaitAsync(cancellationToken);
        }

        return Served(account);
    }

    private Answer<ServiceServing> Served(AccountId account) =>
        View is { } view && view.Account == account ? view : Refusal.NotFound($"Service {id}");

    private Task<Answer<ServiceRecord>> CommandAsync(Action<ServiceEditor> change, CommandContext context)
    {
        if (Seen(context.Account).IsOk)
        {
            Change(change, context);
        }

        return Task.FromResult(Seen(context.Account));
    }

    private void Change(Action<ServiceEditor> change, CommandContext context)
    {
        var editor = new ServiceEditor(Record, new Cause(Now, context.RequestId, context.Actor));
        change(editor);
        ServiceTurn.Run(editor, new TurnFacts(new LoadWindow(Now), null, _ => true));
        Put(editor.Done());
    }

    private Answer<ServiceRecord> Seen(AccountId? scope) =>
        Record.Exists && (scope is null || scope == Record.Account) ? Record : Refusal.NotFound($"Service {id}");
}
