using System.Collections.Frozen;
using Google.Rpc;
using Grpc.Core;
using Scheduler.Domain.Failures;
using Status = Grpc.Core.Status;

namespace Scheduler.TestKit;

/// <summary>
/// Retries as a careful client does. A call without an answer, or with UNAVAILABLE that is not a stored failure, is
/// repeated with the same contents at the next node. Any typed client can use it.
/// </summary>
/// <param name="nodes">All nodes; those without an API or not started are skipped.</param>
/// <param name="patience">How long a call is retried before it fails.</param>
public sealed class FailoverCalls(IReadOnlyList<SchedulerProcess> nodes, TimeSpan patience) : CallInvoker
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// A slower answer counts as none: the called process has stopped without closing the connection.
    /// </summary>
    private static readonly TimeSpan OneTry = TimeSpan.FromSeconds(35);

    private static readonly FrozenSet<string> Failures = FailureCatalogue
        .All.Select(failure => failure.Code.WireName())
        .ToFrozenSet(StringComparer.Ordinal);

    private int _next;
    private int _retries;

    public int Retries => _retries;

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

    public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method,
        string? host,
        CallOptions options,
        TRequest request
    ) => Next().Calls.AsyncServerStreamingCall(method, host, options, request);

    public override TResponse BlockingUnaryCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method,
        string? host,
        CallOptions options,
        TRequest request
    ) => throw new NotSupportedException("Await the call.");

    public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method,
        string? host,
        CallOptions options
    ) => throw new NotSupportedException("The API has no such method.");

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
            var asked = TimeProvider.System.GetTimestamp();
            try
            {
                var once = options.WithDeadline(TimeProvider.System.GetUtcNow().UtcDateTime + OneTry);
                using var call = Next().Calls.AsyncUnaryCall(method, host, once, request);
                return await call;
            }
            catch (RpcException refused)
                when (IsNoAnswer(refused, TimeProvider.System.GetElapsedTime(asked))
                    && TimeProvider.System.GetElapsedTime(began) < patience
                )
            {
                Interlocked.Increment(ref _retries);
            }

            await Task.Delay(Pause, TimeProvider.System, options.CancellationToken);
        }
    }

    /// <summary>
    /// Whether the outcome is unknown: the connection failed, or no answer arrived in time. A stored refusal has the
    /// status of its code and would be the same at every node; its reason tells the two apart.
    /// </summary>
    private static bool IsNoAnswer(RpcException refused, TimeSpan after) =>
        (
            refused.StatusCode == StatusCode.Unavailable
            || (refused.StatusCode == StatusCode.DeadlineExceeded && after >= OneTry)
        ) && !IsFailure(refused);

    private static bool IsFailure(RpcException refused) =>
        refused.GetRpcStatus()?.GetDetail<ErrorInfo>() is { } info && Failures.Contains(info.Reason);

    private SchedulerProcess Next()
    {
        var apiNodes = nodes.Where(node => node.Grpc is not null).ToList();
        return apiNodes[(int)((uint)Interlocked.Increment(ref _next) % apiNodes.Count)];
    }
}
