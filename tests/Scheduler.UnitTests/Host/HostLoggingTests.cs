using Scheduler.Host;
using Serilog.Events;
using Serilog.Parsing;
using Xunit;

namespace Scheduler.UnitTests.Host;

public sealed class HostLoggingTests
{
    private const string Stopping = "Silo 'S127.0.0.1:33745:155075797' is shutting down.";

    [Theory]
    [InlineData("Orleans.Messaging", Stopping, true)]
    [InlineData("Orleans.Messaging", "The target silo became unavailable.", false)]
    [InlineData("Scheduler.Grains.Providers.ProviderGrain", Stopping, false)]
    public void Only_calls_that_a_stopping_silo_cannot_place_are_left_out(string source, string message, bool isLeftOut)
    {
        var line = new LogEvent(
            DateTimeOffset.UnixEpoch,
            LogEventLevel.Error,
            new SiloUnavailableException(message),
            new MessageTemplate([new TextToken("Failed to address message")]),
            [new LogEventProperty("SourceContext", new ScalarValue(source))]
        );

        Assert.Equal(isLeftOut, HostLogging.IsCallDuringStop(line));
    }
}
