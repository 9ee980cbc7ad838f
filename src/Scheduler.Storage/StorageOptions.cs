using Microsoft.Extensions.Options;

namespace Scheduler.Storage;

/// <summary>Storage settings. Configuration section <c>Storage</c>.</summary>
public sealed class StorageOptions
{
    public const string Section = "Storage";

    /// <summary>The default: one SQLite file.</summary>
    public SqliteOptions Sqlite { get; set; } = new();

    /// <summary>Database shared by the silos of a cluster. If it is set, the SQLite file is not used.</summary>
    public PostgreSqlOptions PostgreSql { get; set; } = new();

    /// <summary>All validation errors, each with full path, configured value and accepted values.</summary>
    public IReadOnlyList<string> Faults() =>
        PostgreSql.IsSet
            ? [.. PostgreSql.Faults($"{Section}:{nameof(PostgreSql)}")]
            : Sqlite.Faults($"{Section}:{nameof(Sqlite)}");

    internal void ThrowIfFaulty()
    {
        var faults = Faults();
        if (faults.Count > 0)
        {
            throw new OptionsValidationException(Section, typeof(StorageOptions), faults);
        }
    }
}

/// <summary>Settings of the SQLite store. Section <c>Storage:Sqlite</c>.</summary>
public sealed class SqliteOptions
{
    public const int DefaultMaxBatch = 256;

    /// <summary>Path of the file, relative to the working directory. Missing directories are created.</summary>
    /// <value>Default <c>data/scheduler.db</c>.</value>
    public string Path { get; set; } = "data/scheduler.db";

    /// <summary>
    /// <c>FULL</c>: an acknowledged write survives power loss. <c>NORMAL</c>: it survives a crash of the process, but
    /// power loss may lose the last writes.
    /// </summary>
    /// <value>Default <c>FULL</c>.</value>
    public string Synchronous { get; set; } = "FULL";

    /// <summary>Maximum number of statements in one commit, 1 to 10,000.</summary>
    /// <value>Default 256.</value>
    public int MaxBatch { get; set; } = DefaultMaxBatch;

    internal IEnumerable<string> PathFaults(string section)
    {
        if (string.IsNullOrWhiteSpace(Path) || Path.Contains('\0', StringComparison.Ordinal))
        {
            yield return $"{section}:{nameof(Path)} is '{Path}'; it must be the path of a file.";
        }
    }

    internal IReadOnlyList<string> Faults(string section)
    {
        var faults = new List<string>(PathFaults(section));
        if (Synchronous is not ("FULL" or "NORMAL"))
        {
            faults.Add($"{section}:{nameof(Synchronous)} is '{Synchronous}'; accepted are FULL and NORMAL.");
        }

        if (MaxBatch is < 1 or > 10_000)
        {
            faults.Add($"{section}:{nameof(MaxBatch)} is {MaxBatch}; accepted is 1 to 10000.");
        }

        return faults;
    }
}
