using System.ComponentModel.DataAnnotations;
using System.Security;
using Npgsql;
using Scheduler.Domain.Settings;

namespace Scheduler.Storage;

/// <summary>Settings of the shared database. Section <c>Storage:PostgreSql</c>.</summary>
public sealed class PostgreSqlOptions : ICheckedSettings
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
    [Range(1, 10_000)]
    public int MaxBatch { get; set; } = DefaultMaxBatch;

    public bool IsSet => !string.IsNullOrEmpty(ConnectionString) || !string.IsNullOrEmpty(ConnectionStringFile);

    public string Resolved() => ConnectionString ?? File.ReadAllText(ConnectionStringFile!).Trim();

    public IEnumerable<SettingFault> Check(string section)
    {
        if (!IsSet)
        {
            yield break;
        }

        var text = $"{section}:{nameof(ConnectionString)}";
        var file = $"{section}:{nameof(ConnectionStringFile)}";
        if (ConnectionString is not null && ConnectionStringFile is not null)
        {
            yield return new SettingFault(text, "set", $"one of it and {file}");
        }
        else if (FaultOfText() is { } accepted)
        {
            // Does not show the connection string, because it may contain a password.
            yield return ConnectionString is null
                ? new SettingFault(file, ConnectionStringFile, $"a file of {accepted}")
                : new SettingFault(text, "not shown", accepted);
        }
    }

    private string? FaultOfText()
    {
        const string accepted = "an Npgsql connection string with a Host";
        try
        {
            return string.IsNullOrEmpty(new NpgsqlConnectionStringBuilder(Resolved()).Host) ? accepted : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or SecurityException)
        {
            return $"{accepted}, which cannot be read: {exception.Message}";
        }
        catch (Exception exception)
            when (exception is ArgumentException or FormatException or KeyNotFoundException or InvalidCastException)
        {
            return accepted;
        }
    }
}
