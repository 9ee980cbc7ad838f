namespace Scheduler.Storage.Sqlite;

/// <summary>The files of a SQLite store.</summary>
public static class SqliteFiles
{
    /// <summary>Moves the store to another directory, which is created. The next start then creates a new store.</summary>
    /// <returns>Whether there was a store.</returns>
    /// <exception cref="StorageUnusableException">A process uses the store; nothing was moved.</exception>
    public static bool MoveAside(StorageOptions options, string directory)
    {
        var path = Path.GetFullPath(options.Sqlite.Path);
        if (!File.Exists(path))
        {
            return false;
        }

        using var fileLock = SqliteFileLock.Take(path);
        Directory.CreateDirectory(directory);
        // The store goes last: while it is there, a repeated call completes a move that was interrupted.
        foreach (var file in new[] { $"{path}-wal", $"{path}-shm", path }.Where(File.Exists))
        {
            File.Move(file, Path.Combine(directory, Path.GetFileName(file)));
        }

        return true;
    }
}
