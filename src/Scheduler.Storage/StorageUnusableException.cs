using Scheduler.Domain.Storage;

namespace Scheduler.Storage;

/// <summary>
/// The store cannot be used at all: in use by another process, written by a newer version, not a database, not writable.
/// Nothing in it was changed. The process must end with an exit code other than 0.
/// </summary>
public sealed class StorageUnusableException : StorageException
{
    /// <summary>Nothing is known yet.</summary>
    public StorageUnusableException() { }

    /// <summary>Says why.</summary>
    /// <param name="message">One line for an operator, with the path and the remedy.</param>
    public StorageUnusableException(string message)
        : base(message) { }

    /// <summary>Says why and keeps the cause.</summary>
    /// <param name="message">One line for an operator, with the path and the remedy.</param>
    /// <param name="innerException">What the database or the file system said.</param>
    public StorageUnusableException(string message, Exception? innerException)
        : base(message, innerException) { }
}
