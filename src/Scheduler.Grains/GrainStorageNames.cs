namespace Scheduler.Grains;

/// <summary>Names of the grain storages.</summary>
public static class GrainStorageNames
{
    /// <summary>The one database.</summary>
    public const string Database = "db";
}
