using Scheduler.Domain.Storage;

namespace Scheduler.Storage;

/// <summary>
/// This version cannot read a stored state, because the state is newer or does not match its type (INV-14). Only that
/// grain fails. The state stays unchanged, because a grain that failed to load cannot write.
/// </summary>
public sealed class UnreadableStateException : StorageException
{
    public UnreadableStateException() { }

    public UnreadableStateException(string message)
        : base(message) { }

    public UnreadableStateException(string message, Exception? innerException)
        : base(message, innerException) { }

    /// <param name="kind">State name; the type name if the state name is unknown.</param>
    /// <param name="key">Grain key; null if unknown.</param>
    /// <param name="schemaVersion">Stored version; null if it could not be read.</param>
    /// <param name="why">Reason, without any stored value.</param>
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

    public string Kind { get; } = "";

    public string? Key { get; }

    public int? SchemaVersion { get; }

    public string Why { get; } = "";
}
