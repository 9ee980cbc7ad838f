using Scheduler.Domain.Storage;

namespace Scheduler.Storage;

/// <summary>
/// The store cannot be used at all: another process uses it, a newer version wrote it, it is not a database, or it is
/// not writable. The store was not changed. The process must exit with a code other than 0.
/// </summary>
public sealed class StorageUnusableException : StorageException
{
    public StorageUnusableException() { }

    /// <param name="message">One line for an operator, with the path and the remedy.</param>
    public StorageUnusableException(string message)
        : base(message) { }

    /// <param name="message">One line for an operator, with the path and the remedy.</param>
    public StorageUnusableException(string message, Exception? innerException)
        : base(message, innerException) { }
}
