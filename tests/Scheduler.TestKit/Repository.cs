namespace Scheduler.TestKit;

/// <summary>Location of the sources, for tests that read them.</summary>
public static class Repository
{
    /// <summary>The folder of <c>Scheduler.sln</c>.</summary>
    public static string Root { get; } = Find();

    public static string Path(params string[] parts) => System.IO.Path.Combine([Root, .. parts]);

    private static string Find()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(System.IO.Path.Combine(directory.FullName, "Scheduler.sln")))
        {
            directory = directory.Parent;
        }

        return directory?.FullName
            ?? throw new DirectoryNotFoundException("No Scheduler.sln above the test's binaries.");
    }
}
