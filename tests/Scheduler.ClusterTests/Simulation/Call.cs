using System.Runtime.ExceptionServices;
using Orleans.CodeGeneration;
using Orleans.Serialization.Invocation;

namespace Scheduler.ClusterTests.Simulation;

/// <summary>One message to a grain and its pending answer, or the tick of a timer, which has no answer.</summary>
internal sealed class Call(SimulatedSilo? sender, GrainId target, IInvokable request, InvokeMethodOptions options)
{
    // Continuations are queued on the waiting activation's own scheduler.
    private readonly TaskCompletionSource<Response> _answer = new();

    /// <summary>Null for a client.</summary>
    public SimulatedSilo? Sender => sender;

    public GrainId Target => target;

    public IInvokable Request => request;

    /// <summary>Whether the call may run between the awaits of other calls.</summary>
    public bool Interleaves => options.HasFlag(InvokeMethodOptions.AlwaysInterleave);

    public bool IsOneWay => options.HasFlag(InvokeMethodOptions.OneWay);

    /// <summary>The latest silo the message was sent to.</summary>
    public SimulatedSilo? SentTo { get; set; }

    public bool IsAnswered => _answer.Task.IsCompleted;

    /// <summary>A second answer is ignored.</summary>
    public void Answer(Response response) => _answer.TrySetResult(response);

    public void Fail(Exception exception) => Answer(Response.FromException(exception));

    public async Task<Response> AnsweredAsync()
    {
        var response = await _answer.Task;
        if (response.Exception is { } exception)
        {
            ExceptionDispatchInfo.Throw(exception);
        }

        return response;
    }

    public override string ToString() => $"{request.GetMethodName()} {target.Key}";
}
