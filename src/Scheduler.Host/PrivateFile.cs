namespace Scheduler.Host;

/// <summary>A file with a secret, which only its owner can read.</summary>
internal static class PrivateFile
{
    /// <summary>Writes a temporary file and moves it into place, so that no reader sees half a secret.</summary>
    /// <param name="overwrite">Otherwise a file that another process has created first stays.</param>
    public static void Write(string path, string secret, bool overwrite)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var beside = $"{path}.{Environment.ProcessId}";
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using (var writer = new StreamWriter(beside, options))
        {
            writer.WriteLine(secret);
        }

        try
        {
            File.Move(beside, path, overwrite);
        }
        catch (IOException) when (!overwrite && File.Exists(path))
        {
            File.Delete(beside);
        }
    }
}
