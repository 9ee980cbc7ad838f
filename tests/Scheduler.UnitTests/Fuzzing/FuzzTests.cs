using Scheduler.Fuzz;
using Xunit;

namespace Scheduler.UnitTests.Fuzzing;

/// <summary>A short run of every target, so that the harness keeps working. The long run is a command of its README.</summary>
public sealed class FuzzTests
{
    private const int Executions = 2_000;

    public static TheoryData<string> Targets => [.. FuzzTargets.Names];

    [Theory]
    [MemberData(nameof(Targets))]
    public void A_short_run_has_no_findings(string target)
    {
        var result = new FuzzRun(target, new FuzzOptions(Executions, Seed: 1, Workers: 1, Folder: null)).Run();

        Assert.True(result.Findings.Count == 0, string.Join('\n', result.Findings.All.Select(found => found.Report)));
        Assert.Equal(Executions, result.Executions);
        // The event filter passes every stream; all other parsers refuse some inputs.
        Assert.InRange(result.Accepted, 1, target == "sse" ? Executions : Executions - 1);
        Assert.InRange(result.Outcomes, 2, Executions);
    }

    [Fact]
    public void The_same_seed_gives_the_same_run()
    {
        var options = new FuzzOptions(Executions, Seed: 7, Workers: 2, Folder: null);
        var (first, second) = (new FuzzRun("filter", options).Run(), new FuzzRun("filter", options).Run());

        Assert.Equal((first.Accepted, first.Outcomes), (second.Accepted, second.Outcomes));
    }

    [Fact]
    public void A_parser_that_throws_or_allocates_too_much_is_found_with_a_short_input()
    {
        var findings = new Findings();
        using var worker = new FuzzWorker(new BrokenTarget(), 1, Executions, findings, null);
        worker.Run();

        Assert.Equal(
            ["FormatException in BrokenTarget.Execute", "allocation"],
            findings.All.Select(found => found.Key)
        );
        Assert.Equal("z"u8.ToArray(), findings.All.First().Input);
    }

    private sealed class BrokenTarget : FuzzTarget
    {
        /// <summary>The corpus of a real target.</summary>
        public override string Name => "key";

        public override int MaxLength => 64;

        public override long AllocationBase => 1024;

        public override long AllocationPerByte => 1;

        public override byte[][] Dictionary { get; } = Tokens("z");

        public override Outcome Execute(ReadOnlyMemory<byte> input)
        {
            if (input.Span.Contains((byte)'z'))
            {
                throw new FormatException();
            }

            GC.KeepAlive(new byte[input.Length % 2 == 0 ? 4096 : 8]);
            return Outcome.Accepted();
        }
    }
}
