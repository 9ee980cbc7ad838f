using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Runtimes;
using Scheduler.Domain.Runtimes.Exits;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.DomainTests.Instances;

/// <summary>What an instance remembers of its failed attempts, and what makes it forget.</summary>
public sealed class PastFailuresTests
{
    private static readonly Offer Offer = Make.Offer(gpu: "L4");

    [Fact]
    public void The_latest_attempts_are_kept()
    {
        var record = Record(InstanceState.Starting, run: 1);
        for (var run = 1; run <= PastFailures.Kept + 3; run++)
        {
            record = record with { PastFailures = PastFailures.With(record with { Run = run }, FailureCode.OomKilled) };
        }

        Assert.Equal(Enumerable.Range(4, PastFailures.Kept), record.PastFailures!.Attempts.Select(one => one.Run));
    }

    [Fact]
    public void A_start_that_was_refused_is_no_attempt() =>
        Assert.Null(PastFailures.With(Record(InstanceState.Checking, 1) with { Intent = null }, FailureCode.None));

    [Fact]
    public void Another_route_or_code_or_a_run_in_between_ends_a_repetition()
    {
        var other = Make.Offer(region: "eu-north", gpu: "L4").Route;
        var last = Attempt(FailureCode.RuntimeExited, Offer.Route, 5);

        Assert.False(new PastFailures([last]).IsRepeatedOnRoute);
        Assert.True(new PastFailures([last with { Run = 4 }, last]).IsRepeatedOnRoute);
        Assert.True(new PastFailures([last, last]).IsRepeatedOnRoute);
        Assert.False(new PastFailures([last with { Run = 3 }, last]).IsRepeatedOnRoute);
        Assert.False(new PastFailures([last with { Run = 4, Code = FailureCode.Preempted }, last]).IsRepeatedOnRoute);
        Assert.False(new PastFailures([last with { Run = 4, Route = other }, last]).IsRepeatedOnRoute);
        Assert.True(new PastFailures([last with { Run = 4, Route = other }, last]).IsRepeatedAtProvider);
    }

    [Fact]
    public void Another_model_format_or_runtime_forgets_the_memory_and_keeps_the_routes()
    {
        var past = new PastFailures([
            Attempt(FailureCode.OomKilled, Offer.Route, 1),
            Attempt(FailureCode.RuntimeExited, Offer.Route, 2),
        ]);
        var spec = Make.Spec();

        Assert.Same(past, PastFailures.After(past, spec, spec with { ContextTokens = 1, ParallelSequences = 9 }));
        Assert.All(
            new[]
            {
                spec with
                {
                    Model = "Qwen/Qwen2.5-0.5B",
                },
                spec with
                {
                    WeightFormat = "fp8",
                },
                spec with
                {
                    KvFormat = "fp8",
                },
                spec with
                {
                    Runtime = "llama-server",
                },
                spec with
                {
                    RuntimeArguments = ["--small"],
                },
            },
            changed => Assert.Equal([2], PastFailures.After(past, spec, changed)!.Attempts.Select(one => one.Run))
        );
        Assert.Null(PastFailures.After(new PastFailures([past.Attempts[0]]), spec, spec with { KvFormat = "fp8" }));
    }

    [Fact]
    public void A_run_that_a_caller_stops_refutes_a_shortage_of_the_same_memory()
    {
        var died = Attempt(FailureCode.OomKilled, Offer.Route, 1);
        var running = Record(InstanceState.Running, run: 2);

        Assert.Null(Forgets(running, died));
        Assert.NotNull(Forgets(running, died with { ContextTokens = running.Spec.ContextTokens + 1 }));
        Assert.NotNull(Forgets(running, died with { GpuCount = 2 }));
        Assert.NotNull(Forgets(running, died with { Route = Make.Offer().Route }));
        Assert.NotNull(Forgets(running with { State = InstanceState.Starting }, died));
    }

    [Theory]
    [InlineData(ExitCause.GpuMemory, 1)]
    [InlineData(ExitCause.GpuCache, 1)]
    [InlineData(ExitCause.HostMemory, 0)]
    public void A_lack_of_main_memory_teaches_nothing_about_GPU_memory(ExitCause cause, int learned)
    {
        var record = Record(InstanceState.Running, run: 1);
        var ended = new RuntimeEndFacts(
            FailureCode.OomKilled,
            Offer,
            record.Spec.Model,
            record.Spec.ContextTokens,
            new RuntimeExit(),
            "The runtime ended",
            null,
            new ExitFinding(cause, null)
        );

        var decision = InstanceDecisions.Fail(
            record,
            InstanceTrigger.RuntimeExited,
            FailureCatalogue.Describe(ended),
            null,
            new Cause(DateTimeOffset.UnixEpoch, new RequestId("req-1"), "test")
        );

        Assert.Equal(learned, decision.Next!.PastFailures?.OutOfMemory().Count() ?? 0);
    }

    [Fact]
    public void Only_GPUs_of_the_catalogue_teach_about_memory()
    {
        var unknown = Attempt(FailureCode.OomKilled, Make.Offer(gpu: "Abacus").Route, 1);
        var known = Attempt(FailureCode.OomKilled, Offer.Route, 2);
        var exited = Attempt(FailureCode.RuntimeExited, Offer.Route, 3);

        var run = Assert.Single(new PastFailures([unknown, known, exited]).OutOfMemory());

        Assert.Equal(("L4", 1, 8192L, 1), (run.Gpu.Name, run.GpuCount, run.ContextTokens, run.ParallelSequences));
    }

    private static PastFailures? Forgets(InstanceRecord stopped, FailedAttempt attempt) =>
        PastFailures.AfterGoodRun(stopped with { PastFailures = new PastFailures([attempt]) });

    private static FailedAttempt Attempt(FailureCode code, Route route, int run) => new(code, route, 1, run, 8192, 1);

    private static InstanceRecord Record(InstanceState state, int run) =>
        new()
        {
            Id = new InstanceId("i-aaaaaaaaaaaaaaaaaaaa"),
            State = state,
            Run = run,
            Spec = Make.Spec(),
            Intent = new AllocationIntent { Offer = Offer },
        };
}
