namespace Scheduler.Providers.Worker;

/// <summary>A host did not answer, or not as a worker does. What it did is unknown.</summary>
internal sealed class WorkerException : Exception
{
    public WorkerException() { }

    public WorkerException(string message)
        : base(message) { }

    public WorkerException(string message, Exception? innerException)
        : base(message, innerException) { }

    /// <summary>Whether no connection was made, so that the host never saw the call.</summary>
    internal bool IsUnsent { get; init; }

    /// <summary>Whether the host answered, so that it is alive.</summary>
    internal bool IsAnswer { get; init; }
}
