using Microsoft.Extensions.Logging;

namespace Scheduler.ClusterTests.Simulation;

/// <summary>What the grains log at Warning and above becomes part of the history.</summary>
internal sealed class WorldLog(SimulatedWorld world, string silo) : ILoggerFactory, ILogger
{
    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => this;

    /// <inheritdoc/>
    public void AddProvider(ILoggerProvider provider) { }

    /// <inheritdoc/>
    public void Dispose() { }

    /// <inheritdoc/>
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    /// <inheritdoc/>
    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

    /// <inheritdoc/>
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
            world.Tell(
                $"log   {silo} {formatter(state, exception)}{(exception is null ? "" : $": {exception.Message}")}"
            );
        }
    }
}
