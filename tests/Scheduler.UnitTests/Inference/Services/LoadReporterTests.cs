using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Scheduler.Domain.Ids;
using Scheduler.Grains;
using Scheduler.Grains.Services;
using Scheduler.Inference.Services;
using Scheduler.TestKit;
using Scheduler.UnitTests.Api;
using Xunit;

namespace Scheduler.UnitTests.Inference.Services;

public sealed class LoadReporterTests : IAsyncDisposable
{
    private static readonly ServiceId Chat = new("svc-aaaaaaaaaaaaaaaaaaaa");
    private static readonly InstanceId First = new("i-1");
    private static readonly InstanceId Second = new("i-2");

    private readonly FakeTimeProvider _clock = new();
    private readonly FakeCluster _cluster = new();
    private readonly LoadMeter _meter;
    private readonly LoadReporter _reporter;

    public LoadReporterTests()
    {
        _meter = new LoadMeter(new HoldBudget(10, 10), _clock);
        _reporter = new LoadReporter(_cluster, _meter, _clock, NullLogger<LoadReporter>.Instance);
    }

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private FakeService Grain => (FakeService)_cluster.Service(Chat);

    public async ValueTask DisposeAsync()
    {
        await _reporter.StopAsync(CancellationToken.None);
        _reporter.Dispose();
    }

    [Fact]
    public async Task A_service_gets_one_report_a_second_and_a_zero_at_the_end()
    {
        await _reporter.StartAsync(Ct);
        var visit = _meter.Enter(Chat);
        var (one, other) = (visit.Traffic!.Enter(First), visit.Traffic.Enter(Second));
        var third = visit.Traffic.Enter(Second);
        visit.Traffic.Answered(30);

        var load = await SecondAsync(1);
        Assert.Equal((3, 0, 30), (load.Outstanding, load.Held, load.TokensPerSecond));
        Assert.Equal(
            [new ReplicaLoad(First, 1), new ReplicaLoad(Second, 2)],
            load.Replicas.OrderBy(replica => replica.Instance.Value)
        );

        one.Leave();
        third.Leave();
        Assert.Equal([new ReplicaLoad(Second, 1)], (await SecondAsync(2)).Replicas);
        other.Leave();
        visit.Dispose();
        load = await SecondAsync(3);
        Assert.Equal((0, 0, 0L, 0), (load.Outstanding, load.Held, load.TokensPerSecond, load.Replicas.Length));

        await Eventually.TrueAsync(() => !_meter.Services.Any(), "it is forgotten", _clock, LoadReporter.Every);
        Assert.Equal(3, Grain.Loads.Count);
        Assert.Equal([1, 2, 3], Grain.Loads.Select(report => report.Sequence));
        Assert.Single(Grain.Loads.Select(report => report.Gateway).Distinct(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_report_at_once_takes_no_tokens_from_the_next_second()
    {
        await _reporter.StartAsync(Ct);
        using var visit = _meter.Enter(Chat);
        visit.Traffic!.Answered(7);
        _reporter.ReportNow(visit.Traffic);
        Assert.Equal(0, Grain.Loads.Single().TokensPerSecond);
        Assert.Equal(7, (await SecondAsync(2)).TokensPerSecond);
    }

    [Fact]
    public async Task A_process_that_stops_says_that_its_load_has_ended()
    {
        await _reporter.StartAsync(Ct);
        using var visit = _meter.Enter(Chat);
        var place = visit.Traffic!.Enter(First);
        await SecondAsync(1);
        await _reporter.StopAsync(Ct);
        Assert.Equal([1, 0], Grain.Loads.Select(report => report.Outstanding));
        place.Leave();
    }

    [Fact]
    public async Task No_request_is_lost_while_idle_entries_are_dropped()
    {
        const int requests = 20_000;
        using var done = new CancellationTokenSource();
        var dropper = Task.Run(
            () =>
            {
                while (!done.IsCancellationRequested)
                {
                    foreach (var traffic in _meter.Services)
                    {
                        traffic.AtReplicas();
                        _meter.TryForget(traffic);
                    }
                }
            },
            Ct
        );
        await Parallel.ForAsync(
            0,
            requests,
            Ct,
            (i, _) =>
            {
                using var visit = _meter.Enter(Chat);
                var place = visit.Traffic!.Enter(i % 2 == 0 ? First : Second);
                Assert.Contains(_meter.Services, known => ReferenceEquals(known, visit.Traffic));
                Assert.Contains(visit.Traffic.AtReplicas(), load => load.Instance == (i % 2 == 0 ? First : Second));
                place.Leave();
                return ValueTask.CompletedTask;
            }
        );
        await done.CancelAsync();
        await dropper;
        Assert.All(_meter.Services, traffic => Assert.Empty(traffic.AtReplicas()));
    }

    [Fact]
    public void A_request_to_a_known_service_allocates_nothing()
    {
        const int requests = 100_000;
        using var first = _meter.Enter(Chat);
        var place = first.Traffic!.Enter(First);
        Run(requests);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var began = Stopwatch.GetTimestamp();
        Run(requests);
        var took = Stopwatch.GetElapsedTime(began);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        TestContext.Current.TestOutputHelper!.WriteLine($"{took.TotalNanoseconds / requests:0} ns a request");
        place.Leave();

        void Run(int count)
        {
            for (var i = 0; i < count; i++)
            {
                using var visit = _meter.Enter(Chat);
                var at = visit.Traffic!.Enter(First);
                visit.Traffic.Answered(1);
                at.Leave();
            }
        }
    }

    /// <summary>The report after one more second.</summary>
    private async Task<LoadReport> SecondAsync(int reports)
    {
        _clock.Advance(LoadReporter.Every);
        await Eventually.TrueAsync(() => Grain.Loads.Count >= reports, $"report {reports}");
        return Grain.Loads.ElementAt(reports - 1);
    }
}
