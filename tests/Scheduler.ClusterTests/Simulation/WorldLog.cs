using Microsoft.Extensions.Logging;

namespace Scheduler.ClusterTests.Simulation;

/// <summary>Grain log lines of level Warning and above become part of the history.</summary>
internal sealed class WorldLog(SimulatedWorld world, string silo) : ILoggerFactory, ILogger
{
    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider) { }

    public void Dispose() { }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

    public void Log<TState>(
        LogLevel logLevel,
        EventId eventId,
        TState state,
        Exception? exception,
        Func<TState, Exception?, string> formatter
    )
    {
        if (IsEnabled(logLevel))
        {
            world.Record(
                $"log   {silo} {formatter(state, exception)}{(exception is null ? "" : $": {exception.Message}")}"
            );
        }
    }
}
