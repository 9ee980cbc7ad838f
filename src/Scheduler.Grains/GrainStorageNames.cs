namespace Scheduler.Grains;

public static class GrainStorageNames
{
    public const string Database = "db";
}
