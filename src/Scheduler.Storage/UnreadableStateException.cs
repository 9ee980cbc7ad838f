using Scheduler.Domain.Storage;

namespace Scheduler.Storage;

/// <summary>
/// A stored state that this version cannot read: newer, or not what was written (INV-14). It stops the one grain and is left
/// untouched, because a grain that could not load can not write.
/// </summary>
public sealed class UnreadableStateException : StorageException
{
    /// <summary>Nothing is known yet.</summary>
    public UnreadableStateException() { }

    /// <summary>Says what cannot be read.</summary>
    /// <param name="message">One line for an operator.</param>
    public UnreadableStateException(string message)
        : base(message) { }

    /// <summary>Says what cannot be read and keeps the cause.</summary>
    /// <param name="message">One line for an operator.</param>
    /// <param name="innerException">What the reader said.</param>
    public UnreadableStateException(string message, Exception? innerException)
        : base(message, innerException) { }

    /// <summary>Names the state.</summary>
    /// <param name="kind">The state's name, or its type where only that is known.</param>
    /// <param name="key">The grain's key; null where it is not known yet.</param>
    /// <param name="schemaVersion">The stored version; null where none could be read.</param>
    /// <param name="why">What is wrong with it, without any stored value.</param>
    /// <param name="innerException">What the reader said.</param>
    public UnreadableStateException(
        string kind,
        string? key,
        int? schemaVersion,
        string why,
        Exception? innerException = null
    )
        : base(
            $"Stored state {kind}{(key is null ? "" : $" '{key}'")} (schema version {schemaVersion?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "unknown"}) cannot be read: {why} It was left as it is.",
            innerException
        )
    {
        Kind = kind;
        Key = key;
        SchemaVersion = schemaVersion;
        Why = why;
    }

    /// <summary>The state's name.</summary>
    public string Kind { get; } = "";

    /// <summary>The grain's key; null where it is not known.</summary>
    public string? Key { get; }

    /// <summary>The stored version; null where none could be read.</summary>
    public int? SchemaVersion { get; }

    /// <summary>What is wrong with it.</summary>
    public string Why { get; } = "";
}
