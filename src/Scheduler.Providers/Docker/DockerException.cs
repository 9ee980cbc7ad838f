namespace Scheduler.Providers.Docker;

/// <summary>An engine answered with an error. The message holds its own words.</summary>
internal sealed class DockerException : Exception
{
    public DockerException() { }

    public DockerException(string message)
        : base(message) { }

    public DockerException(string message, Exception? innerException)
        : base(message, innerException) { }

    internal DockerException(string message, int status)
        : base(message) => Status = status;

    /// <summary>HTTP status; 0 for an error within a stream.</summary>
    internal int Status { get; }
}
