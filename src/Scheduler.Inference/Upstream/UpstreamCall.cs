using System.Runtime.InteropServices;
using Scheduler.Edge;
using Scheduler.Inference.Gateway;
using Scheduler.Inference.Serving;

namespace Scheduler.Inference.Upstream;

/// <summary>One request on its way to one runtime, and what came of it.</summary>
internal sealed class UpstreamCall
{
    /// <summary>How the call is found again in what YARP hands on.</summary>
    public static readonly HttpRequestOptionsKey<UpstreamCall> Key = new("scheduler.call");

    /// <summary>What is asked.</summary>
    public required InferenceRequest Request { get; init; }

    /// <summary>Where.</summary>
    public required ServedInstance Instance { get; init; }

    /// <summary>What the runtime is sent.</summary>
    public ReadOnlyMemory<byte> Body => BodyEdits.For(Request, Instance.ServingName);

    /// <summary>The request's scope.</summary>
    public required RequestScope Scope { get; init; }

    /// <summary>Ends when the client has gone.</summary>
    public required CancellationToken Aborted { get; init; }

    /// <summary>Finds out why a runtime broke off, when its answer has begun already.</summary>
    public required Func<string, Task<DoorError>> ExplainBreak { get; init; }

    /// <summary>Called once, when the runtime begins to answer well.</summary>
    public required Action Answered { get; init; }

    /// <summary>How the runtime refused; null while it did not.</summary>
    public UpstreamRefusal? Refusal { get; set; }

    /// <summary>Tokens, as the runtime counted them.</summary>
    public TokenUsage Usage { get; set; }

    /// <summary>Events of the stream that carried output.</summary>
    public int Chunks { get; set; }

    /// <summary>What the client was told in the middle of its stream; null where it ended well.</summary>
    public DoorError? Break { get; set; }
}

/// <summary>An answer of a runtime that is no success.</summary>
/// <param name="Status">Its HTTP status.</param>
/// <param name="Body">Its first bytes.</param>
internal sealed record UpstreamRefusal(int Status, ReadOnlyMemory<byte> Body);

/// <summary>Tokens of one request.</summary>
/// <param name="Prompt">In.</param>
/// <param name="Completion">Out.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct TokenUsage(long Prompt, long Completion);

/// <summary>How far a call got.</summary>
internal enum UpstreamOutcome
{
    /// <summary>The client has its answer, or the part of it that there is and why there is no more.</summary>
    Sent = 1,

    /// <summary>The runtime answered with an error; see <see cref="UpstreamCall.Refusal"/>. Nothing was sent to the client.</summary>
    Refused,

    /// <summary>There was no connection, or it broke before the first byte. Nothing was sent to the client.</summary>
    Unreachable,

    /// <summary>The first byte did not come in time. Nothing was sent to the client.</summary>
    TimedOut,

    /// <summary>The client has gone.</summary>
    ClientGone,
}
