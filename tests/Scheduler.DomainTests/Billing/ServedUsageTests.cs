using FsCheck.Xunit;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Xunit;

namespace Scheduler.DomainTests.Billing;

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

    [Fact]
    public void Nothing_exists_before_the_first_report()
    {
        Assert.False(new ServedUsageRecord().Exists);
        Assert.True(Report(new ServedUsageRecord(), "gateway", 1, Monday).Exists);
    }

    [Fact]
    public void A_report_counts_for_its_own_day_also_when_it_comes_late()
    {
        var record = new ServedUsageRecord();
        foreach (var (day, sequence) in new[] { (3, 1), (1, 2), (2, 3), (3, 4), (1, 5) })
        {
            record = Report(record, "gateway", sequence, Monday.AddDays(day));
        }

        Assert.Equal([1, 2, 3], record.Days.Select(day => day.Day.DayNumber - Monday.DayNumber));
        Assert.Equal([2L, 1L, 2L], record.Days.Select(day => day.Served.Requests));
        Assert.Equal((Account, Instance), (record.Account, record.Instance));
    }

    [Fact]
    public void A_repeated_or_older_report_of_one_gateway_changes_nothing()
    {
        var record = Report(Report(new ServedUsageRecord(), "a", 5, Monday), "b", 1, Monday);
        Assert.Same(record, Report(record, "a", 5, Monday));
        Assert.Same(record, Report(record, "a", 4, Monday));
        Assert.Equal(3, Report(record, "a", 6, Monday).Total.Requests);
        Assert.Equal(["b", "a"], Report(record, "a", 6, Monday).Reports.Select(report => report.Gateway));
    }

    [Fact]
    public void Exactly_the_days_and_gateways_that_are_kept_fit()
    {
        var record = new ServedUsageRecord();
        for (var i = 0; i < ServedUsageRecord.GatewaysKept + 1; i++)
        {
            Assert.Equal(i, record.Reports.Length);
            record = Report(record, $"gateway-{i}", 1, Monday);
        }

        Assert.Equal(ServedUsageRecord.GatewaysKept, record.Reports.Length);
        Assert.Equal($"gateway-{ServedUsageRecord.GatewaysKept}", record.Reports[^1].Gateway);
        Assert.Equal("gateway-1", record.Reports[0].Gateway);
    }

    [Fact]
    public void Sums_that_do_not_fit_throw()
    {
        var most = new ServedUsage(long.MaxValue, long.MaxValue, long.MaxValue);
        Assert.Throws<OverflowException>(() => most + new ServedUsage(1, 0, 0));
        Assert.Throws<OverflowException>(() => most + new ServedUsage(0, 1, 0));
        Assert.Throws<OverflowException>(() => most + new ServedUsage(0, 0, 1));
        Assert.Equal(new ServedUsage(5, 7, 9), ServedUsage.Add(new ServedUsage(1, 2, 3), new ServedUsage(4, 5, 6)));
    }

    private static ServedUsageRecord Report(ServedUsageRecord record, string gateway, long sequence, DateOnly day) =>
        record.With(Account, Instance, new GatewayReport(gateway, sequence), new ServedUsage(1, 2, 3), day);
}
