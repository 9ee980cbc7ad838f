using SQLitePCL;

namespace Scheduler.Storage.Sqlite;

/// <summary>One work item for a database thread, with a task for its result.</summary>
/// <param name="cancellationToken">Cancels a waiting item. Of the running items, it interrupts only reads.</param>
internal abstract class SqliteWork(CancellationToken cancellationToken)
{
    public bool IsCancelled => CancellationToken.IsCancellationRequested;

    protected CancellationToken CancellationToken { get; } = cancellationToken;

    /// <summary>Runs the action and keeps the result until <see cref="Succeed"/>.</summary>
    public abstract void Execute(SqliteDatabase database);

    /// <summary>Completes the caller's task. A write calls this only after its commit.</summary>
    public abstract void Succeed();

    public abstract void Fail(Exception exception);

    public abstract void Cancel();

    /// <summary>
    /// Like <see cref="Execute"/>, but cancellation interrupts the statement. Only for reads: an interrupted write
    /// would roll back the whole batch.
    /// </summary>
    public void ExecuteInterruptibly(SqliteDatabase database)
    {
        using var registration = CancellationToken.UnsafeRegister(
            static handle => raw.sqlite3_interrupt((sqlite3)handle!),
            database.Handle
        );
        Execute(database);
    }
}

internal sealed class SqliteWork<T>(Func<SqliteDatabase, T> action, CancellationToken cancellationToken)
    : SqliteWork(cancellationToken)
{
    // Asynchronous continuations: a continuation on the single writer thread would delay all commits.
    private readonly TaskCompletionSource<T> _promise = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private T? _result;

    public Task<T> Result => _promise.Task;

    public override void Execute(SqliteDatabase database) => _result = action(database);

    public override void Succeed() => _promise.TrySetResult(_result!);

    public override void Fail(Exception exception) => _promise.TrySetException(exception);

    public override void Cancel() => _promise.TrySetCanceled(CancellationToken);
}
