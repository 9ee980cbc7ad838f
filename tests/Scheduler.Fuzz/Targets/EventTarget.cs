using System.Text;
using Microsoft.AspNetCore.Http;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Edge;
using Scheduler.Inference.Gateway;
using Scheduler.Inference.Serving;
using Scheduler.Inference.Upstream;

namespace Scheduler.Fuzz.Targets;

/// <summary>
/// <see cref="EventFilter"/>. The first byte selects whether the client requested the usage and whether the stream
/// breaks off; the second selects how the stream is cut into reads. The same stream must pass in the same way in one
/// read.
/// </summary>
internal sealed class EventTarget : FuzzTarget
{
    private readonly byte[] _inPieces = new byte[4096];
    private readonly byte[] _inOne = new byte[4096];
    private readonly UpstreamCall _asking = Call(wantsUsage: true);
    private readonly UpstreamCall _silent = Call(wantsUsage: false);

    public override string Name => "sse";

    public override int MaxLength => 2048;

    /// <summary>Two filters; their buffers come from a pool.</summary>
    public override long AllocationBase => 32_768;

    public override long AllocationPerByte => 32;

    public override Structure Structure => Structure.Json;

    public override byte[][] Dictionary { get; } =
        Tokens(
            "data: ",
            "data:",
            "event: x\n",
            ": ping\n\n",
            "\n\n",
            "\r\n\r\n",
            "\n\r\n",
            "\r",
            "\n",
            "[DONE]",
            "data: [DONE]\n\n",
            "\"usage\"",
            "\"choices\":[]",
            "\"choices\"",
            "\"prompt_tokens\"",
            "\"completion_tokens\"",
            "\"\\ud800\"",
            "\"\\ud800rompt_tokens\"",
            "\"p\\u0072ompt_tokens\"",
            "9223372036854775808",
            "-1",
            "1e9",
            "null",
            "{}",
            "[]",
            ":"
        );

    public override Outcome Execute(ReadOnlyMemory<byte> input)
    {
        if (input.Length < 2)
        {
            return Outcome.Refused();
        }

        var flags = input.Span[0];
        var stream = input.Span[2..];
        var call = (flags & 1) == 0 ? _asking : _silent;
        ReadOnlySpan<byte> last = (flags & 2) == 0 ? [] : "data: broken\n\n"u8;
        var pieces = Pass(call, stream, 1 + (input.Span[1] % 64), last, _inPieces);
        var (usage, chunks) = (call.Usage, call.Chunks);
        var one = Pass(call, stream, int.MaxValue, last, _inOne);
        Require(
            _inPieces.AsSpan(0, pieces).SequenceEqual(_inOne.AsSpan(0, one)),
            "The client receives the same bytes, however the stream is cut."
        );
        Require(usage == call.Usage && chunks == call.Chunks, "The usage is the same, however the stream is cut.");
        Require(usage is { Prompt: >= 0, Completion: >= 0 }, "Token counts are not negative.");
        if ((flags & 1) == 0)
        {
            Require(
                one >= stream.Length && _inOne.AsSpan(0, stream.Length).SequenceEqual(stream),
                "A client that requested the usage receives the whole stream."
            );
        }

        var shape = Shape.Add(Shape.Start, flags & 3UL);
        shape = Shape.Add(shape, usage.Prompt > 0);
        shape = Shape.Add(shape, usage.Completion > 0);
        shape = Shape.Add(shape, (ulong)Math.Min(4, chunks));
        return Outcome.Accepted(Shape.Add(shape, one < stream.Length));
    }

    private static int Pass(
        UpstreamCall call,
        ReadOnlySpan<byte> stream,
        int piece,
        ReadOnlySpan<byte> last,
        Span<byte> passed
    )
    {
        call.Usage = default;
        call.Chunks = 0;
        using var filter = new EventFilter(call);
        var given = 0;
        while (stream.Length > 0)
        {
            var room = filter.FreeSpace().Span;
            var count = Math.Min(Math.Min(room.Length, piece), stream.Length);
            stream[..count].CopyTo(room);
            filter.Filled(count);
            stream = stream[count..];
            given += filter.Give(passed[given..]);
        }

        filter.End(last);
        given += filter.Give(passed[given..]);
        Require(!filter.HasReady, "All bytes were given.");
        return given;
    }

    private static UpstreamCall Call(bool wantsUsage) =>
        new()
        {
            Request = RequestReader.Read(
                RequestKind.Chat,
                Encoding.UTF8.GetBytes("""{"model":"chat","messages":[]}""")
            ) with
            {
                WantsUsage = wantsUsage,
            },
            Instance = new ServedInstance(new AccountId("acct-a"), "chat", null)
            {
                Id = new InstanceId("i-1"),
                Run = 1,
                State = InstanceState.Running,
                ContextTokens = 100,
                CreatedAt = default,
            },
            Scope = RequestScope.Of(null),
            Client = new ClientAnswer(new DefaultHttpContext(), OpenAiErrors.Shape, TimeProvider.System),
            Errors = OpenAiErrors.Shape,
            Aborted = CancellationToken.None,
            ExplainBreak = _ => throw new NotSupportedException(),
            Answered = () => { },
        };
}
