using System.Runtime.ExceptionServices;
using Orleans.CodeGeneration;
using Orleans.Serialization.Invocation;

namespace Scheduler.ClusterTests.Simulation;

/// <summary>One message to a grain, and whoever waits for its answer; or a timer's tick, for which nobody waits.</summary>
internal sealed class Call(SimulatedSilo? sender, GrainId target, IInvokable request, InvokeMethodOptions options)
{
    // Continuations are queued on the waiting activation's own scheduler.
    private readonly TaskCompletionSource<Response> _answer = new();

    /// <summary>Who asks; null for a client.</summary>
    public SimulatedSilo? Sender => sender;

    /// <summary>Who is asked.</summary>
    public GrainId Target => target;

    /// <summary>What is asked.</summary>
    public IInvokable Request => request;

    /// <summary>Whether it may run between the awaits of others.</summary>
    public bool Interleaves => options.HasFlag(InvokeMethodOptions.AlwaysInterleave);

    /// <summary>Whether nobody waits.</summary>
    public bool IsOneWay => options.HasFlag(InvokeMethodOptions.OneWay);

    /// <summary>Where it went last.</summary>
    public SimulatedSilo? SentTo { get; set; }

    /// <summary>Whether whoever waited has an answer.</summary>
    public bool IsAnswered => _answer.Task.IsCompleted;

    /// <summary>Gives the answer; a second one is ignored.</summary>
    public void Answer(Response response) => _answer.TrySetResult(response);

    /// <summary>Gives a failure for an answer.</summary>
    public void Fail(Exception exception) => Answer(Response.FromException(exception));

    /// <summary>Waits for the answer.</summary>
    public async Task<Response> AnsweredAsync()
    {
        var response = await _answer.Task;
        if (response.Exception is { } exception)
        {
            ExceptionDispatchInfo.Throw(exception);
        }

        return response;
    }

    /// <inheritdoc/>
    public override string ToString() => $"{request.GetMethodName()} {target.Key}";
}
