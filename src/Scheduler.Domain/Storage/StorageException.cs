namespace Scheduler.Domain.Storage;

/// <summary>A storage operation failed. Each subclass states whether the write took effect.</summary>
public class StorageException : Exception
{
    public StorageException() { }

    public StorageException(string message)
        : base(message) { }

    public StorageException(string message, Exception? innerException)
        : base(message, innerException) { }
}

/// <summary>Disk or database is full. The write was rolled back; writes succeed again once space is free.</summary>
public sealed class StorageFullException : StorageException
{
    public StorageFullException() { }

    public StorageFullException(string message)
        : base(message) { }

    public StorageFullException(string message, Exception? innerException)
        : base(message, innerException) { }
}

/// <summary>The store may be read but not written. Nothing of the write was kept.</summary>
public sealed class StorageReadOnlyException : StorageException
{
    public StorageReadOnlyException() { }

    public StorageReadOnlyException(string message)
        : base(message) { }

    public StorageReadOnlyException(string message, Exception? innerException)
        : base(message, innerException) { }
}

/// <summary>The commit failed, so the outcome is unknown. Read the state again before any decision.</summary>
public sealed class StorageOutcomeUnknownException : StorageException
{
    public StorageOutcomeUnknownException() { }

    public StorageOutcomeUnknownException(string message)
        : base(message) { }

    public StorageOutcomeUnknownException(string message, Exception? innerException)
        : base(message, innerException) { }
}
