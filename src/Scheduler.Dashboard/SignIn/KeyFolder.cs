namespace Scheduler.Dashboard.SignIn;

/// <summary>The folder with the keys that seal sessions: whoever reads them can sign in as anybody, so its owner alone may.</summary>
internal static class KeyFolder
{
    public static DirectoryInfo Ensure(string path)
    {
        var full = Path.GetFullPath(path);
        return OperatingSystem.IsWindows()
            ? Directory.CreateDirectory(full)
            : Directory.CreateDirectory(
                full,
                UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
            );
    }
}
