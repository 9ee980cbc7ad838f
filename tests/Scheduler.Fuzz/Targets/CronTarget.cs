using Scheduler.Domain.Schedules;

namespace Scheduler.Fuzz.Targets;

/// <summary><see cref="CronPattern"/>: the text, and the matches of what was read.</summary>
internal sealed class CronTarget : FuzzTarget
{
    private static readonly DateTime NewYear = new(2026, 1, 1);

    public override string Name => "cron";

    /// <summary>Above <see cref="CronPattern.LongestText"/>, so that the limit is tested too.</summary>
    public override int MaxLength => 560;

    public override long AllocationBase => 65_536;

    /// <summary>A name of two characters costs a capture of the expression and its string.</summary>
    public override long AllocationPerByte => 64;

    public override byte[][] Dictionary { get; } =
        Tokens(
            "*",
            "*/",
            "/",
            "-",
            ",",
            " ",
            "0",
            "1",
            "7",
            "12",
            "23",
            "29",
            "30",
            "31",
            "59",
            "60",
            "99999999999",
            "JAN",
            "feb",
            "DEC",
            "SUN",
            "mon",
            "FRI-MON",
            "*/15",
            "22-2/2",
            "L",
            "W",
            "#2",
            "?",
            "H",
            "@daily",
            "\t",
            "\n",
            "１",
            "0 0 30 2 *",
            "* * * * *"
        );

    public override Outcome Execute(ReadOnlyMemory<byte> input)
    {
        var text = Text(input.Span);
        if (!CronPattern.TryParse(text, out var pattern, out var faults))
        {
            Require(!faults.IsEmpty, "A refused pattern has an error.");
            var shape = Shape.Start;
            foreach (var fault in faults)
            {
                Require(!fault.Any(char.IsControl), "An error is one line.");
                shape = Shape.Add(shape, fault);
            }

            return Outcome.Refused(shape);
        }

        var next = pattern.NextAfter(NewYear) ?? default;
        Require(next > NewYear, "A pattern that was read matches after a given time.");
        if (input.Length % 16 == 0)
        {
            Require(
                CronPattern.TryParse(pattern.Text, out var again, out _) && again.Text == pattern.Text,
                "The text of a pattern is read as the same pattern."
            );
            var latest = pattern.LatestUntil(next);
            Require(latest == next, "The latest match up to a match is this match.");
        }

        return Outcome.Accepted((ulong)next.Ticks);
    }
}
