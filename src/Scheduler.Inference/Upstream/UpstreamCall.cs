using System.Runtime.InteropServices;
using Scheduler.Edge;
using Scheduler.Inference.Gateway;
using Scheduler.Inference.Serving;

namespace Scheduler.Inference.Upstream;

internal sealed class UpstreamCall
{
    /// <summary>Key under which YARP's outgoing request carries the call.</summary>
    public static readonly HttpRequestOptionsKey<UpstreamCall> Key = new("scheduler.call");

    public required InferenceRequest Request { get; init; }

    public required ServedInstance Instance { get; init; }

    public ReadOnlyMemory<byte> Body => BodyEdits.For(Request, Instance.ServingName);

    public required RequestScope Scope { get; init; }

    /// <summary>Cancelled when the client disconnects.</summary>
    public required CancellationToken Aborted { get; init; }

    /// <summary>Diagnoses a runtime that broke off after its answer had begun.</summary>
    public required Func<string, Task<ApiError>> ExplainBreak { get; init; }

    /// <summary>Called once, when the runtime begins a successful answer.</summary>
    public required Action Answered { get; init; }

    /// <summary>The runtime's error answer; null without one.</summary>
    public UpstreamRefusal? Refusal { get; set; }

    /// <summary>Tokens as the runtime counted them.</summary>
    public TokenUsage Usage { get; set; }

    /// <summary>Events of the stream that carried output.</summary>
    public int Chunks { get; set; }

    /// <summary>The error sent in the middle of the stream; null when it ended well.</summary>
    public ApiError? Break { get; set; }
}

/// <param name="Body">The first bytes of the answer.</param>
internal sealed record UpstreamRefusal(int Status, ReadOnlyMemory<byte> Body);

/// <summary>Token counts of one request.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct TokenUsage(long Prompt, long Completion);

internal enum UpstreamOutcome
{
    /// <summary>The client has the answer, or a part of it followed by an error.</summary>
    Sent = 1,

    /// <summary>The runtime answered with an error (<see cref="UpstreamCall.Refusal"/>).</summary>
    Refused,

    /// <summary>No connection, or it broke before the first byte. Nothing was sent to the client.</summary>
    Unreachable,

    /// <summary>The first byte did not arrive in time. Nothing was sent to the client.</summary>
    TimedOut,

    ClientGone,
}
