using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Scheduler.Storage.Sqlite;

/// <summary>
/// Reader threads, each with its own connection. A read sees everything that was committed before it began. Readers and
/// the writer never wait for each other.
/// </summary>
internal sealed class SqliteReaders : IDisposable
{
    private const int QueueCapacity = 1024;

    private readonly SqliteWorkQueue _queue = new(QueueCapacity);
    private readonly Thread[] _threads;

    /// <param name="open">Opens a read-only connection.</param>
    public SqliteReaders(string name, int count, Func<SqliteDatabase> open)
    {
        var databases = new List<SqliteDatabase>(count);
        try
        {
            for (var i = 0; i < count; i++)
            {
                databases.Add(open());
            }
        }
        catch
        {
            databases.ForEach(database => database.Dispose());
            throw;
        }

        _threads =
        [
            .. databases.Select(database => new Thread(() => Run(database)) { IsBackground = true, Name = name }),
        ];
        foreach (var thread in _threads)
        {
            thread.Start();
        }
    }

    public Task<T> RunAsync<T>(Func<SqliteDatabase, T> action, CancellationToken cancellationToken) =>
        _queue.RunAsync(action, cancellationToken);

    public void Dispose()
    {
        _queue.Complete();
        foreach (var thread in _threads)
        {
            thread.Join();
        }
    }

    private void Run(SqliteDatabase database)
    {
        using (database)
        {
            foreach (var work in _queue.Take())
            {
                Run(work, database);
            }
        }
    }

    private static void Run(SqliteWork work, SqliteDatabase database)
    {
        try
        {
            if (work.IsCancelled)
            {
                work.Cancel();
                return;
            }

            work.ExecuteInterruptibly(database);
            work.Succeed();
        }
        catch (SqliteException exception) when (exception.SqliteErrorCode == raw.SQLITE_INTERRUPT && work.IsCancelled)
        {
            work.Cancel();
        }
#pragma warning disable CA1031 // Every exception goes to the caller that waits for the result.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            work.Fail(SqliteErrors.Describe(exception));
        }
    }
}
