using SQLitePCL;

namespace Scheduler.Storage.Sqlite;

/// <summary>One piece of work for a database thread, and the promise of its result.</summary>
/// <param name="cancellationToken">Cancels it while it waits; once it runs only a read is interrupted.</param>
internal abstract class SqliteWork(CancellationToken cancellationToken)
{
    public bool IsCancelled => CancellationToken.IsCancellationRequested;

    protected CancellationToken CancellationToken { get; } = cancellationToken;

    /// <summary>Does the work and keeps the result back.</summary>
    public abstract void Execute(SqliteDatabase database);

    /// <summary>Hands the result over: for a write, after its commit.</summary>
    public abstract void Succeed();

    public abstract void Fail(Exception exception);

    public abstract void Cancel();

    /// <summary>Like <see cref="Execute"/>, but gives up when cancelled. For reads alone: an interrupted write ends the batch.</summary>
    public void ExecuteInterruptibly(SqliteDatabase database)
    {
        using var registration = CancellationToken.UnsafeRegister(
            static handle => raw.sqlite3_interrupt((sqlite3)handle!),
            database.Handle
        );
        Execute(database);
    }
}

/// <inheritdoc/>
/// <typeparam name="T">The result.</typeparam>
internal sealed class SqliteWork<T>(Func<SqliteDatabase, T> action, CancellationToken cancellationToken)
    : SqliteWork(cancellationToken)
{
    // Callers go on elsewhere: a continuation on the one writer thread would hold up everybody's commits.
    private readonly TaskCompletionSource<T> _promise = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private T? _result;

    public Task<T> Result => _promise.Task;

    public override void Execute(SqliteDatabase database) => _result = action(database);

    public override void Succeed() => _promise.TrySetResult(_result!);

    public override void Fail(Exception exception) => _promise.TrySetException(exception);

    public override void Cancel() => _promise.TrySetCanceled(CancellationToken);
}
