using System.Text;
using System.Text.Json;
using Scheduler.ModelFit;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.DomainTests.Compatibility;

/// <summary>
/// Dimensions of public models with the count that their publisher states. Some counts include the layer that predicts
/// the next-but-one token, some do not.
/// </summary>
public sealed class ReachTests
{
    private static readonly JsonElement[] Rows =
    [
        .. File.ReadLines(Repository.Path("tests", "Scheduler.DomainTests", "Compatibility", "Data", "reach.jsonl"))
            .Select(line => JsonDocument.Parse(line).RootElement),
    ];

    public static TheoryData<string> Names => [.. Rows.Select(row => row.GetProperty("name").GetString()!)];

    [Theory]
    [MemberData(nameof(Names))]
    public void The_count_is_within_one_percent_and_not_in_doubt(string name)
    {
        var row = Rows.Single(row => row.GetProperty("name").ValueEquals(name));
        var published = row.GetProperty("published").GetDouble();

        var reading = HfConfig.Parse(name, Encoding.UTF8.GetBytes(row.GetProperty("config").GetRawText()));

        Assert.True(reading.IsRead, reading.Refusal?.Message);
        var errors = new[] { reading.Facts.Parameters, reading.Facts.StoredElements }.Select(count =>
            Math.Abs((count / published) - 1)
        );
        Assert.InRange(errors.Min(), 0, 0.01);
        Assert.Empty(reading.Facts.Doubts);
    }

    [Fact]
    public void At_least_95_percent_are_exact_to_a_thousandth() =>
        Assert.InRange(Rows.Count(row => ErrorOf(row) < 0.001), Math.Ceiling(0.95 * Rows.Length), Rows.Length);

    private static double ErrorOf(JsonElement row)
    {
        var facts = HfConfig
            .Parse(row.GetProperty("name").GetString()!, Encoding.UTF8.GetBytes(row.GetProperty("config").GetRawText()))
            .Facts!;
        var published = row.GetProperty("published").GetDouble();
        return Math.Min(Math.Abs((facts.Parameters / published) - 1), Math.Abs((facts.StoredElements / published) - 1));
    }
}
