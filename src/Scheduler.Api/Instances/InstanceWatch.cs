using Grpc.Core;
using Microsoft.Extensions.Hosting;
using Scheduler.Api.Pipeline;
using Scheduler.Api.V1;
using Scheduler.Edge;
using Scheduler.Grains;
using Scheduler.Grains.Keys;

namespace Scheduler.Api.Instances;

/// <summary>
/// Streams an instance and its changes without polling. A stream lasts longer than its first key check, so the key is
/// checked again every second. The stream ends when the caller leaves, the key is revoked, the instance is deleted, or
/// this process stops.
/// </summary>
internal sealed class InstanceWatch(
    IGrainFactory grains,
    KeyAuthority authority,
    TimeProvider clock,
    IHostApplicationLifetime lifetime
)
{
    private static readonly TimeSpan KeyCheckEvery = TimeSpan.FromSeconds(1);

    public async Task RunAsync(
        WatchInstanceRequest request,
        IServerStreamWriter<Instance> stream,
        ServerCallContext context
    )
    {
        var caller = context.Caller();
        try
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(
                context.CancellationToken,
                lifetime.ApplicationStopping
            );
            await StreamAsync(request, caller, stream, stop.Token);
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

    private async Task StreamAsync(
        WatchInstanceRequest request,
        Caller caller,
        IServerStreamWriter<Instance> stream,
        CancellationToken stop
    )
    {
        var grain = grains.Instance(ResourceName.ParseInstance(request.Name));
        var account = ResourceName.ParseAccount(request.Name);
        var record = await grain.GetAsync(account).OrThrow(request.Name, stop);
        var sent = request.AfterGeneration;
        while (true)
        {
            if (record.Generation > sent)
            {
                await stream.WriteAsync(record.ToProto(caller), stop);
                sent = record.Generation;
            }

            if (record.State == Domain.Instances.InstanceState.Deleted)
            {
                return;
            }

            var change = grain.WaitForChangeAsync(account, sent, stop).OrThrow(request.Name, stop);
            while (await Task.WhenAny(change, Task.Delay(KeyCheckEvery, clock, stop)) != change)
            {
                stop.ThrowIfCancellationRequested();
                if (await authority.RecheckAsync(caller) is { } failure)
                {
                    throw new ApiException(ApiError.Of(failure));
                }
            }

            record = await change;
        }
    }
}
