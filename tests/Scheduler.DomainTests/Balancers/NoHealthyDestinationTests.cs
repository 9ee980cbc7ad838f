using Scheduler.Domain.Balancers;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Instances;
using Xunit;

namespace Scheduler.DomainTests.Balancers;

public sealed class NoHealthyDestinationTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private static Failure Describe(params DestinationOut[] destinations) =>
        FailureCatalogue.Describe(new NoHealthyDestinationFacts("front", [.. destinations], Noon));

    [Fact]
    public void The_failure_gives_the_reason_for_every_destination()
    {
        var failure = Describe(
            new("gone", OutReason.Unknown),
            new("idle", OutReason.NotRunning, InstanceState.Stopped),
            new(
                "dead",
                OutReason.NotRunning,
                InstanceState.Failed,
                FailureCode.OomKilled,
                "Set context_tokens to 4096."
            ),
            new("bad", OutReason.Ejected, InstanceState.Running, Until: Noon.AddSeconds(12.2)),
            new("deaf", OutReason.ProbeFailed, InstanceState.Running, ProbeError: "HTTP 500"),
            new("tried", OutReason.Tried, InstanceState.Running)
        );

        Assert.Equal(FailureCode.NoHealthyDestination, failure.Code);
        Assert.Equal("no instance has this name", failure.Details["destination.gone"]);
        Assert.Equal("stopped", failure.Details["destination.idle"]);
        Assert.Equal("failed: OOM_KILLED", failure.Details["destination.dead"]);
        Assert.Equal("ejected until 2026-03-01T12:00:12Z", failure.Details["destination.bad"]);
        Assert.Equal("its probe fails: HTTP 500", failure.Details["destination.deaf"]);
        Assert.Equal("failed this request before its first byte", failure.Details["destination.tried"]);
        Assert.Equal("13", failure.Details["retry_after_seconds"]);
        Assert.Equal("6", failure.Details["destinations_total"]);
        Assert.All(
            new[] { "gone", "idle", "dead", "bad", "deaf", "tried" },
            name => Assert.Contains(name, failure.Message, StringComparison.Ordinal)
        );
        Assert.Equal(
            "Try again in 13 s, when `bad` is let in again. Start `idle`. Repair `dead`, which failed with OOM_KILLED: "
                + "Set context_tokens to 4096. Look into the runtime of `deaf` or `tried`, or stop it and start it again.",
            failure.Hint
        );
    }

    [Fact]
    public void The_hint_names_the_instances_to_start() =>
        Assert.Equal(
            "Start `a` or `b`.",
            Describe(
                new("a", OutReason.NotRunning, InstanceState.Stopped),
                new("b", OutReason.NotRunning, InstanceState.Stopping)
            ).Hint
        );

    [Fact]
    public void The_hint_says_to_wait_for_a_starting_instance() =>
        Assert.StartsWith(
            "Wait until `a` runs and try again.",
            Describe(new DestinationOut("a", OutReason.NotRunning, InstanceState.Starting)).Hint,
            StringComparison.Ordinal
        );

    [Fact]
    public void For_unknown_names_the_hint_says_to_create_an_instance() =>
        Assert.Equal(
            "Create and start `a`, or let the routes of `front` lead to instances that are there.",
            Describe(new DestinationOut("a", OutReason.Unknown)).Hint
        );
}
