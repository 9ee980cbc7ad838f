namespace Scheduler.Domain.Storage;

/// <summary>The memory could not do what was asked. What was written or not, each kind says for itself.</summary>
public class StorageException : Exception
{
    /// <summary>Nothing is known yet.</summary>
    public StorageException() { }

    /// <summary>Says what went wrong.</summary>
    /// <param name="message">One line for an operator.</param>
    public StorageException(string message)
        : base(message) { }

    /// <summary>Says what went wrong and keeps the cause.</summary>
    /// <param name="message">One line for an operator.</param>
    /// <param name="innerException">What the store said.</param>
    public StorageException(string message, Exception? innerException)
        : base(message, innerException) { }
}

/// <summary>The disk (or the database's own limit) is full. The write was rolled back whole; writes succeed again when there is room.</summary>
public sealed class StorageFullException : StorageException
{
    /// <summary>Nothing is known yet.</summary>
    public StorageFullException() { }

    /// <summary>Says what is full.</summary>
    /// <param name="message">One line for an operator.</param>
    public StorageFullException(string message)
        : base(message) { }

    /// <summary>Says what is full and keeps the cause.</summary>
    /// <param name="message">One line for an operator.</param>
    /// <param name="innerException">What the store said.</param>
    public StorageFullException(string message, Exception? innerException)
        : base(message, innerException) { }
}

/// <summary>The commit itself failed: the write may or may not be there. Read again before deciding anything.</summary>
public sealed class StorageOutcomeUnknownException : StorageException
{
    /// <summary>Nothing is known yet.</summary>
    public StorageOutcomeUnknownException() { }

    /// <summary>Says what failed.</summary>
    /// <param name="message">One line for an operator.</param>
    public StorageOutcomeUnknownException(string message)
        : base(message) { }

    /// <summary>Says what failed and keeps the cause.</summary>
    /// <param name="message">One line for an operator.</param>
    /// <param name="innerException">What the store said.</param>
    public StorageOutcomeUnknownException(string message, Exception? innerException)
        : base(message, innerException) { }
}
