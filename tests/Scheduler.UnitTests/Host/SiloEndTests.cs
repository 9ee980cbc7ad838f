using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Scheduler.Host.Clustering;
using Xunit;

namespace Scheduler.UnitTests.Host;

public sealed class SiloEndTests
{
    [Fact]
    public void A_silo_that_must_end_ends_once_with_its_own_code_and_one_line()
    {
        var exits = new List<int>();
        var lines = new Lines();
        using var loggers = new LoggerFactory();
        loggers.AddProvider(lines);
        var end = new SiloEnd(loggers, exits.Add);

        end.OnFatalException(this, "I was declared dead.", null);
        end.OnFatalException(this, "I was declared dead.", null);

        Assert.Equal([5], exits);
        Assert.Equal(
            "Critical This silo must end, with exit code 5: I was declared dead. Its work continues in the other silos; start it again",
            Assert.Single(lines.All)
        );
        Assert.True(lines.IsFlushed);
    }

    private sealed class Lines : ILoggerProvider, ILogger
    {
        public List<string> All { get; } = [];

        public bool IsFlushed { get; private set; }

        public ILogger CreateLogger(string categoryName) => this;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        ) => All.Add($"{logLevel} {formatter(state, exception)}");

        public bool IsEnabled(LogLevel logLevel) => true;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => NullLogger.Instance.BeginScope(state);

        public void Dispose() => IsFlushed = true;
    }
}
