using System.IO.Pipelines;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Scheduler.Edge;
using Scheduler.Edge.Limits;

namespace Scheduler.Api.Pipeline;

/// <summary>
/// Counts a gRPC message in the memory budget as it arrives: its length is known to gRPC only. A call that does not fit
/// ends before the rest is read.
/// </summary>
internal sealed class MeteredMessage(PipeReader message, HttpContext http) : PipeReader
{
    /// <summary>Bytes of memory for one of a message: buffered, copied, and texts of two bytes a character.</summary>
    private const int Times = 6;

    /// <summary>Shorter messages do not count, bytes: a frame with its header usually ends there.</summary>
    private const int SmallBytes = 16 * 1024;

    private readonly MemoryShare _memory = http.Scope().Memory!;
    private long _counted = SmallBytes;

    /// <param name="limit">Longest message, bytes.</param>
    /// <exception cref="ApiException">The message is compressed, and the budget has no room for the longest one.</exception>
    public static void Use(HttpContext http, int limit)
    {
        const string identity = "identity";
        var coding = http.Request.Headers.GrpcEncoding;
        if (coding.Count > 0 && coding != identity)
        {
            http.Scope().Memory!.Grow((long)limit * Times);
            return;
        }

        http.Features.Set<IRequestBodyPipeFeature>(new Feature(new MeteredMessage(http.Request.BodyReader, http)));
    }

    public override void AdvanceTo(SequencePosition consumed) => message.AdvanceTo(consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined) =>
        message.AdvanceTo(consumed, examined);

    public override void CancelPendingRead() => message.CancelPendingRead();

    public override void Complete(Exception? exception = null) => message.Complete(exception);

    public override async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default) =>
        Counted(await message.ReadAsync(cancellationToken));

    public override bool TryRead(out ReadResult result)
    {
        if (!message.TryRead(out result))
        {
            return false;
        }

        Counted(result);
        return true;
    }

    /// <exception cref="Grpc.Core.RpcException">The budget is used.</exception>
    private ReadResult Counted(ReadResult result)
    {
        if (result.Buffer.Length <= _counted)
        {
            return result;
        }

        try
        {
            _memory.Grow((result.Buffer.Length - _counted) * Times);
        }
        catch (ApiException refused)
        {
            EdgeMetrics.RecordReason(http, refused.Error);
            throw ErrorStatus.Of(refused.Error, http.Scope()).ToRpcException();
        }

        _counted = result.Buffer.Length;
        return result;
    }

    private sealed record Feature(PipeReader Reader) : IRequestBodyPipeFeature;
}
