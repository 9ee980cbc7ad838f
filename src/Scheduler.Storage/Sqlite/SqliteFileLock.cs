namespace Scheduler.Storage.Sqlite;

/// <summary>
/// Keeps a second process out of the file: both would write, and neither's grains would know of the other's. The operating
/// system holds the lock, so it is gone the moment its process is, however that ended.
/// </summary>
internal sealed class SqliteFileLock : IDisposable
{
    private readonly FileStream _stream;

    private SqliteFileLock(FileStream stream) => _stream = stream;

    /// <summary>Takes the lock, making the directory if it is missing.</summary>
    /// <param name="path">Full path of the database.</param>
    /// <exception cref="StorageUnusableException">Somebody has it, or nothing can be written there.</exception>
    public static SqliteFileLock Take(string path)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            using (File.Open(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite))
            {
                // Only to learn whether it can be written, in words better than SQLite's.
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new StorageUnusableException(
                $"The store '{path}' cannot be written: {exception.Message} Set Storage:Sqlite:Path to a file in a directory this process may write to.",
                exception
            );
        }

        try
        {
            return new SqliteFileLock(
                new FileStream($"{path}.lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None)
            );
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new StorageUnusableException(
                $"The store '{path}' is in use by another process (it holds '{path}.lock'). Stop that one, or set Storage:Sqlite:Path to another file.",
                exception
            );
        }
    }

    /// <summary>Lets go. The lock file stays: deleting it could let two processes lock two files of the same name.</summary>
    public void Dispose() => _stream.Dispose();
}
