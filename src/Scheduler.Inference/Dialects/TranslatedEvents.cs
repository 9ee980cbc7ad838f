using Scheduler.Domain.Failures;
using Scheduler.Domain.Runtimes;
using Scheduler.Edge;
using Scheduler.Inference.Upstream;

namespace Scheduler.Inference.Dialects;

/// <summary>Translates the events of a chat completion as they arrive.</summary>
internal sealed class TranslatedEvents : IEventRelay
{
    private readonly UpstreamCall _call;
    private readonly AnswerTranslation _answer;

    /// <summary>Splits the runtime's stream, and reads usage and end mark from it.</summary>
    private readonly EventFilter _split;
    private int _given;

    public TranslatedEvents(UpstreamCall call, AnswerTranslation answer)
    {
        (_call, _answer) = (call, answer);
        _split = new EventFilter(call);
        answer.IsStream = true;
    }

    public bool HasReady => _given < _answer.Events.WrittenCount;

    /// <summary>Events are written whole.</summary>
    public bool IsInsideEvent => false;

    public Memory<byte> FreeSpace()
    {
        _answer.Events.ResetWrittenCount();
        _given = 0;
        return _split.FreeSpace();
    }

    public void Filled(int bytes)
    {
        _split.Filled(bytes);
        var ready = _split.TakeReady();
        if (_split.IsInsideEvent)
        {
            throw new HttpIOException(HttpRequestError.InvalidResponse, "The runtime sent an event that is too long.");
        }

        while (EventFilter.EventEnd(ready) is var length and > 0)
        {
            Translate(ready[..length]);
            ready = ready[length..];
        }
    }

    public int Give(Span<byte> destination)
    {
        var rest = _answer.Events.WrittenSpan[_given..];
        var count = Math.Min(destination.Length, rest.Length);
        rest[..count].CopyTo(destination);
        _given += count;
        return count;
    }

    public void End() => _answer.Complete();

    public void Break(ApiError error) => _answer.Break(error);

    public void Dispose() => _split.Dispose();

    private void Translate(Span<byte> text)
    {
        if (!text.StartsWith("data:"u8))
        {
            return;
        }

        var data = text["data:"u8.Length..].Trim(" \r\n"u8);
        if (data.SequenceEqual("[DONE]"u8))
        {
            _answer.Complete();
        }
        else if (data.Length > 0)
        {
            _answer.Take(data);
            if (_answer.RuntimeFault is { } fault)
            {
                EndWith(fault);
            }
        }
    }

    /// <summary>Ends the stream with what the runtime itself says went wrong.</summary>
    private void EndWith(string fault)
    {
        _call.Break = ApiError.Of(
            FailureCatalogue.Describe(
                new RuntimeErrorFacts(
                    _call.Instance.ServingName,
                    "broke off in the middle of its answer",
                    null,
                    OutputLines.Clean(fault)
                )
            )
        );
        _call.HasEndMark = true;
        _answer.Break(_call.Break);
    }
}
