using System.Security;
using Npgsql;

namespace Scheduler.Storage;

/// <summary>Settings of the shared database. Section <c>Storage:PostgreSql</c>.</summary>
public sealed class PostgreSqlOptions
{
    /// <summary>Most states that may share one commit, by default.</summary>
    public const int DefaultMaxBatch = 256;

    /// <summary>
    /// Npgsql's connection string, for example <c>Host=db;Database=scheduler;Username=scheduler</c>. A password belongs in the environment
    /// (<c>Storage__PostgreSql__ConnectionString</c>, <c>PGPASSWORD</c>, <c>PGPASSFILE</c>) or in <see cref="ConnectionStringFile"/>.
    /// </summary>
    public string? ConnectionString { get; set; }

    /// <summary>A file whose whole content is the connection string, as secret stores mount them; instead of <see cref="ConnectionString"/>.</summary>
    public string? ConnectionStringFile { get; set; }

    /// <summary>Whether a silo may change the schema at its start. False where its role may not: <c>scheduler migrate</c> does it then.</summary>
    /// <value>Default true.</value>
    public bool Migrate { get; set; } = true;

    /// <summary>Most states that may share one commit, 1 to 10,000.</summary>
    /// <value>Default 256.</value>
    public int MaxBatch { get; set; } = DefaultMaxBatch;

    /// <summary>Whether a database is named at all.</summary>
    public bool IsSet => !string.IsNullOrEmpty(ConnectionString) || !string.IsNullOrEmpty(ConnectionStringFile);

    internal string Resolved() => ConnectionString ?? File.ReadAllText(ConnectionStringFile!).Trim();

    internal IEnumerable<string> Faults(string section)
    {
        if (ConnectionString is not null && ConnectionStringFile is not null)
        {
            yield return $"{section}:{nameof(ConnectionString)} and {section}:{nameof(ConnectionStringFile)} are both set; accepted is one of them.";
        }
        else if (FaultOfText() is { } fault)
        {
            // What was seen is not shown: it may hold a password.
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
