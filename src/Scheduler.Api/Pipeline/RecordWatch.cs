using Grpc.Core;
using Microsoft.Extensions.Hosting;
using Scheduler.Edge;
using Scheduler.Grains.Keys;

namespace Scheduler.Api.Pipeline;

/// <summary>
/// Streams a record and its changes without polling. A stream lasts longer than its first key check, so the key is
/// checked again every second. The stream ends when the caller leaves, the key is revoked, the resource is deleted, or
/// this process stops.
/// </summary>
internal sealed class RecordWatch(KeyAuthority authority, TimeProvider clock, IHostApplicationLifetime lifetime)
{
    private static readonly TimeSpan KeyCheckEvery = TimeSpan.FromSeconds(1);

    /// <param name="read">Reads the record.</param>
    /// <param name="next">Waits for a version after the given one; returns the same record after a while without a change.</param>
    /// <param name="version">Of a record; increases with every change.</param>
    /// <param name="isLast">Whether nothing changes any more.</param>
    /// <param name="sent">The caller has this version already; 0 for none.</param>
    public async Task RunAsync<T>(
        ServerCallContext context,
        Func<CancellationToken, Task<T>> read,
        Func<long, CancellationToken, Task<T>> next,
        Func<T, long> version,
        Func<T, bool> isLast,
        long sent,
        Func<T, CancellationToken, Task> send
    )
    {
        try
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(
                context.CancellationToken,
                lifetime.ApplicationStopping
            );
            var record = await read(stop.Token);
            while (true)
            {
                if (version(record) > sent)
                {
                    await send(record, stop.Token);
                    sent = version(record);
                }

                if (isLast(record))
                {
                    return;
                }

                record = await WhileValidAsync(next(sent, stop.Token), context.Caller(), stop.Token);
            }
        }
        catch (OperationCanceledException) when (context.GetHttpContext().RequestAborted.IsCancellationRequested)
        {
            // The caller left. A watch has no other end, so this is not an error.
        }
        catch (OperationCanceledException) when (lifetime.ApplicationStopping.IsCancellationRequested)
        {
            throw new ApiException(ApiError.Unavailable() with { Hint = "This process is stopping; watch again." });
        }
    }

    /// <summary>Waits for a change as long as the key is valid.</summary>
    private async Task<T> WhileValidAsync<T>(Task<T> change, Caller caller, CancellationToken stop)
    {
        while (await Task.WhenAny(change, Task.Delay(KeyCheckEvery, clock, stop)) != change)
        {
            stop.ThrowIfCancellationRequested();
            if (await authority.RecheckAsync(caller) is { } failure)
            {
                throw new ApiException(ApiError.Of(failure));
            }
        }

        return await change;
    }
}
