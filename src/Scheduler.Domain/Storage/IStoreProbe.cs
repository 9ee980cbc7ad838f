namespace Scheduler.Domain.Storage;

/// <summary>Finds out whether the store takes writes.</summary>
public interface IStoreProbe
{
    /// <summary>Writes one small row; completes when it is durable.</summary>
    /// <exception cref="StorageException">The store did not take it.</exception>
    Task WriteAsync(DateTimeOffset now, CancellationToken cancellationToken);
}
