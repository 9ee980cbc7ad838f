using Scheduler.Domain.Ids;
using Scheduler.Grains.Services;
using Xunit;

namespace Scheduler.UnitTests.Grains;

public sealed class GatewayLoadsTests
{
    private static readonly DateTimeOffset Start = new(2026, 12, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly InstanceId Replica = new("i-aaaaaaaaaaaaaaaaaaaa");

    private readonly GatewayLoads _loads = new();

    [Fact]
    public void The_load_is_the_sum_over_the_latest_reports_of_all_gateways()
    {
        _loads.Add(Report("a", 1, 5, 1), Start);
        _loads.Add(Report("b", 1, 2, 0), Start);
        _loads.Add(Report("a", 2, 7, 3), Start.AddSeconds(1));
        var sum = _loads.Sum(Start.AddSeconds(1));
        Assert.Equal((9, 3), (sum.Outstanding, sum.Held));
    }

    [Fact]
    public void A_report_that_arrives_late_changes_nothing()
    {
        _loads.Add(Report("a", 2, 7, 0), Start);
        _loads.Add(Report("a", 1, 5, 0), Start.AddSeconds(1));
        Assert.Equal(7, _loads.Sum(Start.AddSeconds(1)).Outstanding);
    }

    [Fact]
    public void A_gateway_that_stops_reporting_ages_out()
    {
        _loads.Add(Report("a", 1, 5, 0), Start);
        _loads.Add(Report("b", 1, 2, 0), Start.AddSeconds(3));
        var late = Start + GatewayLoads.LongestSilence + TimeSpan.FromMilliseconds(1);
        Assert.Equal(2, _loads.Sum(late).Outstanding);
        Assert.True(_loads.IsReported(late));
        Assert.False(_loads.IsReported(late.AddSeconds(3)));
    }

    [Fact]
    public void What_a_replica_still_has_in_progress_is_known_once_every_gateway_has_reported_after_the_drain_began()
    {
        _loads.Add(Report("a", 1, 1, 0, 1), Start);
        _loads.Add(Report("b", 1, 0, 0), Start);
        Assert.Null(_loads.OutstandingAt(Replica, Start, Start.AddSeconds(1)));
        _loads.Add(Report("a", 2, 1, 0, 1), Start.AddSeconds(1));
        Assert.Null(_loads.OutstandingAt(Replica, Start, Start.AddSeconds(1)));
        _loads.Add(Report("b", 2, 0, 0), Start.AddSeconds(2));
        Assert.Equal(1, _loads.OutstandingAt(Replica, Start, Start.AddSeconds(2)));
    }

    [Fact]
    public void Names_of_many_processes_take_bounded_memory()
    {
        for (var i = 0; i < 3 * GatewayLoads.MostGateways; i++)
        {
            _loads.Add(Report($"gateway-{i}", 1, 1, 0), Start);
        }

        Assert.Equal(GatewayLoads.MostGateways, _loads.Reports(Start).Length);
    }

    private static LoadReport Report(string gateway, long sequence, int outstanding, int held, int atReplica = 0) =>
        new()
        {
            Gateway = gateway,
            Sequence = sequence,
            Outstanding = outstanding,
            Held = held,
            Replicas = atReplica > 0 ? [new ReplicaLoad(Replica, atReplica)] : [],
        };
}
