using System.Security;
using Npgsql;

namespace Scheduler.Storage;

/// <summary>Settings of the shared database. Section <c>Storage:PostgreSql</c>.</summary>
public sealed class PostgreSqlOptions
{
    public const int DefaultMaxBatch = 256;

    /// <summary>
    /// Npgsql's connection string, for example <c>Host=db;Database=scheduler;Username=scheduler</c>. A password belongs
    /// in the environment (<c>Storage__PostgreSql__ConnectionString</c>, <c>PGPASSWORD</c>, <c>PGPASSFILE</c>) or in
    /// <see cref="ConnectionStringFile"/>.
    /// </summary>
    public string? ConnectionString { get; set; }

    /// <summary>
    /// File that contains only the connection string, as secret stores mount it. Set either this or
    /// <see cref="ConnectionString"/>.
    /// </summary>
    public string? ConnectionStringFile { get; set; }

    /// <summary>
    /// Whether a silo migrates the schema at start. Set it to false if the database role must not change the schema,
    /// and run <c>scheduler migrate</c> instead.
    /// </summary>
    /// <value>Default true.</value>
    public bool Migrate { get; set; } = true;

    /// <summary>Maximum number of states in one commit, 1 to 10,000.</summary>
    /// <value>Default 256.</value>
    public int MaxBatch { get; set; } = DefaultMaxBatch;

    public bool IsSet => !string.IsNullOrEmpty(ConnectionString) || !string.IsNullOrEmpty(ConnectionStringFile);

    public string Resolved() => ConnectionString ?? File.ReadAllText(ConnectionStringFile!).Trim();

    internal IEnumerable<string> Faults(string section)
    {
        if (ConnectionString is not null && ConnectionStringFile is not null)
        {
            yield return $"{section}:{nameof(ConnectionString)} and {section}:{nameof(ConnectionStringFile)} are both set; accepted is one of them.";
        }
        else if (FaultOfText() is { } fault)
        {
            // Does not show the value, because it may contain a password.
            yield return $"{section}:{(ConnectionString is null ? nameof(ConnectionStringFile) : nameof(ConnectionString))} {fault}";
        }

        if (MaxBatch is < 1 or > 10_000)
        {
            yield return $"{section}:{nameof(MaxBatch)} is {MaxBatch}; accepted is 1 to 10000.";
        }
    }

    private string? FaultOfText()
    {
        try
        {
            var text = new NpgsqlConnectionStringBuilder(Resolved());
            return string.IsNullOrEmpty(text.Host) ? "names no Host; accepted is an Npgsql connection string." : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or SecurityException)
        {
            return $"is '{ConnectionStringFile}', which cannot be read: {exception.Message}";
        }
        catch (Exception exception)
            when (exception is ArgumentException or FormatException or KeyNotFoundException or InvalidCastException)
        {
            return "is not readable as an Npgsql connection string (its value is not shown).";
        }
    }
}
