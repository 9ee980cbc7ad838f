using Scheduler.Grains.Schedules;
using Xunit;

namespace Scheduler.UnitTests.Grains;

public sealed class TimeZonesTests
{
    [Theory]
    [InlineData("Europe/Berlin")]
    [InlineData("US/Eastern")]
    [InlineData("America/Argentina/Buenos_Aires")]
    [InlineData("Etc/GMT+5")]
    [InlineData("UTC")]
    public void Time_zone_ids_of_the_database_are_known(string name) => Assert.Equal(name, TimeZones.Find(name)?.Id);

    [Theory]
    [InlineData("")]
    [InlineData("europe/berlin")]
    [InlineData("W. Europe Standard Time")]
    [InlineData("Mars/Olympus_Mons")]
    [InlineData("posix/Europe/Berlin")]
    [InlineData("right/Europe/Berlin")]
    [InlineData("../../etc/passwd")]
    [InlineData("/etc/localtime")]
    [InlineData("localtime")]
    [InlineData("+02:00")]
    public void Other_time_zone_ids_are_unknown(string name) => Assert.Null(TimeZones.Find(name));
}
