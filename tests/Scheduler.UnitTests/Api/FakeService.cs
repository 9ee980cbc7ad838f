using System.Collections.Concurrent;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Services;
using Scheduler.Grains;
using Scheduler.Grains.Services;

namespace Scheduler.UnitTests.Api;

/// <summary>A service as gateways see it; keeps the load that they report.</summary>
internal sealed class FakeService(ServiceId id) : IServiceGrain
{
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Null before the first <see cref="Put"/>, and once it is deleted.</summary>
    public ServiceServing? View { get; private set; }

    public ConcurrentQueue<LoadReport> Loads { get; } = new();

    public void Put(ServiceServing? view)
    {
        View = view is null ? null : view with { Id = id, Version = (View?.Version ?? 0) + 1 };
        Interlocked.Exchange(ref _changed, new(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
    }

    public Task ReportLoadAsync(LoadReport report)
    {
        Loads.Enqueue(report);
        return Task.CompletedTask;
    }

    public Task<Answer<ServiceServing>> ServingAsync(AccountId account) => Task.FromResult(Seen(account));

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

        return Seen(account);
    }

    public Task<Answer<ServiceRecord>> CreateAsync(CreateService command, CommandContext context) =>
        throw new NotSupportedException();

    public Task<Answer<ServiceRecord>> GetAsync(AccountId? account) => throw new NotSupportedException();

    public Task<Answer<ServiceRecord>> WaitForChangeAsync(
        AccountId? account,
        long afterVersion,
        CancellationToken cancellationToken
    ) => throw new NotSupportedException();

    public Task<Answer<ServiceRecord>> UpdateAsync(UpdateService command, CommandContext context) =>
        throw new NotSupportedException();

    public Task<Answer<ServiceRecord>> PauseAsync(bool isPaused, CommandContext context) =>
        throw new NotSupportedException();

    public Task<Answer<ServiceRecord>> RollbackAsync(int? revision, CommandContext context) =>
        throw new NotSupportedException();

    public Task<Answer<ServiceRecord>> DeleteAsync(CommandContext context) => throw new NotSupportedException();

    public Task<Answer<ServiceDetail>> DetailAsync(AccountId? account) => throw new NotSupportedException();

    public Task<Answer<ServiceTimeline>> TimelineAsync(AccountId? account, long afterSequence, int limit) =>
        throw new NotSupportedException();

    private Answer<ServiceServing> Seen(AccountId account) =>
        View is { } view && view.Account == account ? view : Refusal.NotFound($"Service {id}");
}
