using Grpc.Core;

namespace Scheduler.TestKit;

/// <summary>
/// What a careful client does: a call that is answered UNAVAILABLE is made again, with the same contents, at the next node. Any typed
/// client can be made on it.
/// </summary>
/// <param name="nodes">All nodes; those without doors or not yet started are passed over.</param>
/// <param name="patience">How long a call goes round before it fails finally.</param>
public sealed class FailoverCalls(IReadOnlyList<SchedulerProcess> nodes, TimeSpan patience) : CallInvoker
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    /// <summary>An answer that takes longer is no answer: whoever was asked is gone without a word.</summary>
    private static readonly TimeSpan OneTry = TimeSpan.FromSeconds(35);

    private int _next;
    private int _retries;

    /// <summary>How often a call was made again.</summary>
    public int Retries => _retries;

    /// <inheritdoc/>
    public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method,
        string? host,
        CallOptions options,
        TRequest request
    ) =>
        new(
            GoRoundAsync(method, host, options, request),
            Task.FromResult(new Metadata()),
            () => Status.DefaultSuccess,
            () => [],
            () => { }
        );

    /// <inheritdoc/>
    public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method,
        string? host,
        CallOptions options,
        TRequest request
    ) => Next().Calls.AsyncServerStreamingCall(method, host, options, request);

    /// <inheritdoc/>
    public override TResponse BlockingUnaryCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method,
        string? host,
        CallOptions options,
        TRequest request
    ) => throw new NotSupportedException("Await the call.");

    /// <inheritdoc/>
    public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method,
        string? host,
        CallOptions options
    ) => throw new NotSupportedException("The API has no such method.");

    /// <inheritdoc/>
    public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method,
        string? host,
        CallOptions options
    ) => throw new NotSupportedException("The API has no such method.");

    private async Task<TResponse> GoRoundAsync<TRequest, TResponse>(
        Method<TRequest, TResponse> method,
        string? host,
        CallOptions options,
        TRequest request
    )
        where TRequest : class
        where TResponse : class
    {
        var began = TimeProvider.System.GetTimestamp();
        while (true)
        {
            try
            {
                var once = options.WithDeadline(TimeProvider.System.GetUtcNow().UtcDateTime + OneTry);
                using var call = Next().Calls.AsyncUnaryCall(method, host, once, request);
                return await call;
            }
            catch (RpcException refused)
                when (refused.StatusCode == StatusCode.Unavailable
                    && TimeProvider.System.GetElapsedTime(began) < patience
                )
            {
                Interlocked.Increment(ref _retries);
            }

            await Task.Delay(Pause, TimeProvider.System, options.CancellationToken);
        }
    }

    private SchedulerProcess Next()
    {
        var doors = nodes.Where(node => node.Grpc is not null).ToList();
        return doors[(int)((uint)Interlocked.Increment(ref _next) % doors.Count)];
    }
}
