using System.Runtime.InteropServices;
using Scheduler.Edge;
using Scheduler.Inference.Dialects;
using Scheduler.Inference.Gateway;
using Scheduler.Inference.Services;
using Scheduler.Inference.Serving;

namespace Scheduler.Inference.Upstream;

internal sealed class UpstreamCall
{
    private long _countedOutput;

    public required InferenceRequest Request { get; init; }

    public required ServedInstance Instance { get; init; }

    /// <summary>The request in the client's own dialect; null for a client that speaks as the runtimes do.</summary>
    public DialectExchange? Exchange { get; init; }

    /// <summary>Whether the runtime gets the client's own body, because it may speak the client's dialect.</summary>
    public bool IsNative { get; init; }

    /// <summary>What the runtime gets: the request, or the client's own.</summary>
    public InferenceRequest Sent => IsNative ? Exchange!.Native : Request;

    public ReadOnlyMemory<byte> Body => BodyEdits.For(Sent, Instance.ServingName);

    /// <summary>The form of errors that the client understands.</summary>
    public required ClientErrors Errors { get; init; }

    public required RequestScope Scope { get; init; }

    /// <summary>Where the answer goes.</summary>
    public required ClientAnswer Client { get; init; }

    /// <summary>Cancelled when the client disconnects.</summary>
    public required CancellationToken Aborted { get; init; }

    /// <summary>Diagnoses a runtime that broke off after its answer had begun.</summary>
    public required Func<string, Task<ApiError>> ExplainBreak { get; init; }

    /// <summary>Called once, when the runtime begins a successful answer.</summary>
    public required Action Answered { get; init; }

    /// <summary>The runtime's error answer; null without one.</summary>
    public UpstreamRefusal? Refusal { get; set; }

    /// <summary>Whether the runtime has begun a successful answer: its first event, or its first bytes.</summary>
    public bool HasAnswered { get; set; }

    /// <summary>Tokens as the runtime counted them.</summary>
    public TokenUsage Usage { get; set; }

    /// <summary>Events of the stream that carried output.</summary>
    public int Chunks { get; set; }

    /// <summary>The service of which the output is load; null without one.</summary>
    public ServiceTraffic? Traffic { get; init; }

    /// <summary>Events that were passed on, comments aside.</summary>
    public int Events { get; set; }

    /// <summary>Whether a stream of this kind is whole only with its end mark.</summary>
    public bool NeedsEndMark => Request.Kind is RequestKind.Chat or RequestKind.Completion;

    /// <summary>Whether the runtime said that its stream is whole: a reason to finish, or the last event.</summary>
    public bool HasEndMark { get; set; }

    /// <summary>The error sent in the middle of the stream; null when it ended well.</summary>
    public ApiError? Break { get; set; }

    /// <summary>Counts output as load of the service while it arrives.</summary>
    /// <param name="total">Tokens of this answer until now, counted or estimated.</param>
    public void CountOutput(long total)
    {
        if (total > _countedOutput)
        {
            Traffic?.Answered(total - _countedOutput);
            _countedOutput = total;
        }
    }
}

/// <param name="Body">The first bytes of the answer.</param>
/// <param name="RetryAfter">The runtime's own header; null without one.</param>
internal sealed record UpstreamRefusal(int Status, ReadOnlyMemory<byte> Body, TimeSpan? RetryAfter = null)
{
    /// <summary>The runtime has no room now. That says nothing about its health.</summary>
    public bool IsFull => Status is 429 or 503;

    /// <summary>The runtime does not do what the path or method asks. Another kind of runtime may.</summary>
    public bool IsUnsupported => Status is 404 or 405 or 501;

    /// <summary>
    /// The runtime says that it failed while it processed this request. The runtime is at fault only if another runtime then
    /// serves the same request.
    /// </summary>
    public bool IsAmbiguous => Status is 500;
}

/// <summary>Token counts of one request.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct TokenUsage(long Prompt, long Completion)
{
    /// <summary>
    /// The later counts where they are above zero, else these. The Messages API reports the counts of prompt and answer in different events.
    /// </summary>
    public TokenUsage Or(TokenUsage later) =>
        new(later.Prompt > 0 ? later.Prompt : Prompt, later.Completion > 0 ? later.Completion : Completion);
}

internal enum UpstreamOutcome
{
    /// <summary>The client has the answer, or a part of it followed by an error.</summary>
    Sent = 1,

    /// <summary>The runtime answered with an error (<see cref="UpstreamCall.Refusal"/>).</summary>
    Refused,

    /// <summary>No connection, or it broke before the first event. The client got no byte of it.</summary>
    Unreachable,

    /// <summary>The first event did not arrive in time. The client got no byte of it.</summary>
    TimedOut,

    ClientGone,
}
