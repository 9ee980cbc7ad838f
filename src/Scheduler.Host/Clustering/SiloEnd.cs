namespace Scheduler.Host.Clustering;

/// <summary>
/// Ends this process when its silo must not continue: the others declared it dead while it was frozen or cut off. They
/// have its work. Without this class Orleans ends the process with SIGABRT and a core dump.
/// </summary>
/// <param name="exit">Ends the process with an exit code.</param>
internal sealed partial class SiloEnd(ILoggerFactory loggers, Action<int> exit) : IFatalErrorHandler
{
    /// <summary>The exit code; a supervisor starts the process again.</summary>
    public const int ExitCode = 5;

    /// <summary>The longest wait for the last lines of the log: its reader may be stuck.</summary>
    private static readonly TimeSpan LogWrites = TimeSpan.FromSeconds(2);

    private readonly ILogger _logger = loggers.CreateLogger<SiloEnd>();
    private int _hasEnded;

    public bool IsUnexpected(Exception exception) => true;

    public void OnFatalException(object? sender = null, string? context = null, Exception? exception = null)
    {
        if (Interlocked.Exchange(ref _hasEnded, 1) == 1)
        {
            return;
        }

        LogEnds(exception, ExitCode, context ?? exception?.Message ?? "no reason was given");
        Task.Run(loggers.Dispose).Wait(LogWrites);
        exit(ExitCode);
    }

    [LoggerMessage(
        4106,
        LogLevel.Critical,
        "This silo must end, with exit code {Code}: {Reason} Its work continues in the other silos; start it again"
    )]
    private partial void LogEnds(Exception? exception, int code, string reason);
}
