using FsCheck.Xunit;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Xunit;

namespace Scheduler.UnitTests.Domain.Billing;

public sealed class ServedUsageTests
{
    private static readonly AccountId Account = new("acct-a");
    private static readonly InstanceId Instance = new("i-1");
    private static readonly DateOnly Monday = new(2026, 3, 2);

    [Property]
    public bool Every_report_counts_once_however_often_it_is_repeated((byte Door, byte Tokens, byte Times)[] reports)
    {
        var record = new ServedUsageRecord();
        long expected = 0;
        for (var i = 0; i < reports.Length; i++)
        {
            var (door, tokens, times) = reports[i];
            expected += tokens;
            for (var n = 0; n <= times % 3; n++)
            {
                record = record.With(
                    Account,
                    Instance,
                    new GatewayReport($"door-{door % 4}", i + 1),
                    new ServedUsage(1, tokens, 0),
                    Monday.AddDays(i % 5)
                );
            }
        }

        return record.Total == new ServedUsage(reports.Length, expected, 0)
            && record.Days.Sum(day => day.Served.PromptTokens) == expected
            && record.Days.Select(day => day.Day).SequenceEqual(record.Days.Select(day => day.Day).Distinct().Order());
    }

    [Fact]
    public void Old_days_are_dropped_and_stay_in_the_total()
    {
        var record = new ServedUsageRecord();
        for (var day = 0; day < 100; day++)
        {
            record = record.With(
                Account,
                Instance,
                new GatewayReport("door", day + 1),
                new ServedUsage(1, 2, 3),
                Monday.AddDays(day)
            );
        }

        Assert.Equal(ServedUsageRecord.DaysKept, record.Days.Length);
        Assert.Equal(Monday.AddDays(99), record.Days[^1].Day);
        Assert.Equal(new ServedUsage(100, 200, 300), record.Total);
    }
}
