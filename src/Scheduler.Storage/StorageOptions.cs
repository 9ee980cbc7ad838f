using System.ComponentModel.DataAnnotations;

namespace Scheduler.Storage;

/// <summary>Storage settings. Configuration section <c>Storage</c>.</summary>
public sealed class StorageOptions
{
    public const string Section = "Storage";

    /// <summary>The default: one SQLite file.</summary>
    public SqliteOptions Sqlite { get; set; } = new();

    /// <summary>Database shared by the silos of a cluster. If it is set, the SQLite file is not used.</summary>
    public PostgreSqlOptions PostgreSql { get; set; } = new();
}

/// <summary>Settings of the SQLite store. Section <c>Storage:Sqlite</c>.</summary>
public sealed class SqliteOptions
{
    public const int DefaultMaxBatch = 256;

    /// <summary>Path of the file, relative to the working directory. Missing directories are created.</summary>
    /// <value>Default <c>data/scheduler.db</c>.</value>
    [Required(ErrorMessage = "the path of a file")]
    [RegularExpression("[^\\0]*", ErrorMessage = "the path of a file")]
    public string Path { get; set; } = "data/scheduler.db";

    /// <summary>
    /// <c>FULL</c>: an acknowledged write survives power loss. <c>NORMAL</c>: it survives a crash of the process, but
    /// power loss may lose the last writes.
    /// </summary>
    /// <value>Default <c>FULL</c>.</value>
    [Required(ErrorMessage = "FULL and NORMAL")]
    [RegularExpression("FULL|NORMAL", ErrorMessage = "FULL and NORMAL")]
    public string Synchronous { get; set; } = "FULL";

    /// <summary>Maximum number of statements in one commit, 1 to 10,000.</summary>
    /// <value>Default 256.</value>
    [Range(1, 10_000)]
    public int MaxBatch { get; set; } = DefaultMaxBatch;
}
