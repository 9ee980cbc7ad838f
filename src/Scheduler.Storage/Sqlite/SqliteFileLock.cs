namespace Scheduler.Storage.Sqlite;

/// <summary>
/// Prevents a second process from using the file: both would write, and their grains would not see each other's
/// changes. The operating system releases the lock when the process exits, also after a crash.
/// </summary>
internal sealed class SqliteFileLock : IDisposable
{
    private readonly FileStream _stream;

    private SqliteFileLock(FileStream stream) => _stream = stream;

    /// <summary>Takes the lock; creates a missing directory.</summary>
    /// <exception cref="StorageUnusableException">
    /// Another process holds the lock, or the path is not writable.
    /// </exception>
    public static SqliteFileLock Take(string path)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            using (File.Open(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite))
            {
                // Only a test that the file is writable, because this error message is better than SQLite's.
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

    /// <summary>Keeps the lock file: after a deletion, two processes could lock two files of the same name.</summary>
    public void Dispose() => _stream.Dispose();
}
