using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Grains;
using Scheduler.Inference.Serving;
using Scheduler.Inference.Upstream;
using Scheduler.UnitTests.Api;
using Xunit;

namespace Scheduler.UnitTests.Inference;

public sealed class UsageBookTests
{
    private static readonly ServedInstance Instance = new(new AccountId("acct-a"), "chat", null)
    {
        Id = new InstanceId("i-1"),
        Run = 1,
        State = InstanceState.Running,
        ContextTokens = 100,
        CreatedAt = default,
    };

    [Fact]
    public async Task An_unanswered_report_is_repeated_and_counts_once()
    {
        var clock = new FakeTimeProvider();
        var cluster = new FakeCluster();
        var usage = (FakeUsage)cluster.Usage(Instance.Id);
        var (tries, answers) = (0, new SemaphoreSlim(0));
        usage.OnReport = () =>
        {
            answers.Release();
            return ++tries == 1 ? throw new TimeoutException() : Task.CompletedTask;
        };
        using var counter = new UsageCounter(cluster, clock, NullLogger<UsageCounter>.Instance);
        await counter.StartAsync(TestContext.Current.CancellationToken);

        counter.Count(Instance, null, new TokenUsage(3, 2));
        await NextReportAsync();
        counter.Count(Instance, null, new TokenUsage(3, 2));
        await NextReportAsync();
        Assert.Equal(new ServedUsage(1, 3, 2), usage.Record.Total);
        await NextReportAsync();
        await counter.StopAsync(TestContext.Current.CancellationToken);

        Assert.Equal(new ServedUsage(2, 6, 4), usage.Record.Total);

        async Task NextReportAsync()
        {
            // The timer may not be armed yet when the clock advances.
            while (!await answers.WaitAsync(TimeSpan.FromMilliseconds(20), TestContext.Current.CancellationToken))
            {
                clock.Advance(TimeSpan.FromSeconds(5));
            }
        }
    }
}
