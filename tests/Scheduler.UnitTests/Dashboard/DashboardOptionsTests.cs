using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using Scheduler.Dashboard;
using Scheduler.Host;
using Xunit;

namespace Scheduler.UnitTests.Dashboard;

public sealed class DashboardOptionsTests
{
    private static readonly PropertyInfo[] Ranged =
    [
        .. typeof(DashboardOptions).GetProperties().Where(property => RangeOf(property) is not null),
    ];

    public static TheoryData<string> WithARange => [.. Ranged.Select(property => property.Name)];

    [Fact]
    public void The_default_options_are_valid() => Assert.Empty(FaultsOf(new DashboardOptions()));

    [Fact]
    public void Every_number_and_duration_has_a_range() =>
        Assert.Empty(
            typeof(DashboardOptions)
                .GetProperties()
                .Where(property => property.PropertyType != typeof(bool) && property.PropertyType != typeof(string))
                .Except(Ranged)
        );

    [Theory]
    [MemberData(nameof(WithARange))]
    public void A_wrong_setting_is_reported_with_its_path_value_and_range(string name)
    {
        var property = typeof(DashboardOptions).GetProperty(name)!;
        var range = RangeOf(property)!;
        foreach (var (value, isRight) in Around(property))
        {
            var options = new DashboardOptions();
            property.SetValue(options, value);
            if (isRight)
            {
                Assert.Empty(FaultsOf(options));
                continue;
            }

            Assert.Equal(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"Dashboard:{name} is '{value}'; accepted: {range.Minimum} to {range.Maximum}"
                ),
                Assert.Single(FaultsOf(options))
            );
        }
    }

    [Fact]
    public void All_wrong_settings_are_reported_at_once() =>
        Assert.Equal(2, FaultsOf(new DashboardOptions { MaxRequests = 1, MaxWindows = 0 }).Length);

    [Fact]
    public void The_options_set_the_request_limits()
    {
        var limits = new DashboardOptions
        {
            MaxRequestsPerKey = 3,
            MaxWindowsPerKey = 4,
            MaxRequests = 20,
            MaxWindows = 5,
            UnknownPerSecondPerAddress = 6,
            UnknownBurstPerAddress = 7,
        }.Limits();
        Assert.Equal((3, 4), (limits.Account.Requests, limits.Account.Streams));
        Assert.Equal((0, 4), (limits.Operator.Requests, limits.Operator.Streams));
        Assert.Equal((20, 5), (limits.Requests, limits.Streams));
        Assert.Equal((6, 7), (limits.Unknown.PerSecond, limits.Unknown.Burst));
        Assert.False(limits.Account.Rate.IsLimited);
    }

    private static string[] FaultsOf(DashboardOptions options) =>
        [.. SettingsCheck.Of(DashboardOptions.Section, options).Select(fault => fault.ToString())];

    private static RangeAttribute? RangeOf(PropertyInfo property) => property.GetCustomAttribute<RangeAttribute>();

    /// <summary>The bounds of a range, and the nearest values outside it.</summary>
    private static IEnumerable<(object Value, bool IsRight)> Around(PropertyInfo property)
    {
        var range = RangeOf(property)!;
        var (least, most) = (Number(range.Minimum), Number(range.Maximum));
        object Value(long number) =>
            property.PropertyType == typeof(TimeSpan) ? new TimeSpan(number) : (object)(int)number;
        return [(Value(least), true), (Value(most), true), (Value(least - 1), false), (Value(most + 1), false)];

        static long Number(object end) =>
            end is int number ? number : TimeSpan.Parse((string)end, CultureInfo.InvariantCulture).Ticks;
    }
}
