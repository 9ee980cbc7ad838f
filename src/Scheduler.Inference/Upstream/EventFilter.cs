using System.Buffers;
using Scheduler.Edge;

namespace Scheduler.Inference.Upstream;

/// <summary>
/// Splits a stream of server-sent events, reads the usage from them, and removes the usage event the client did not
/// request. Complete events are forwarded at once.
/// </summary>
internal sealed class EventFilter(UpstreamCall call) : IEventRelay
{
    /// <summary>A longer event is forwarded in pieces, unread; so is one for which memory is short.</summary>
    private const int LongestEvent = 1024 * 1024;
    private const int FirstSize = 8192;

    /// <summary>Smaller buffers do not count as memory of the request, bytes.</summary>
    private const int UncountedSize = 64 * 1024;

    private readonly bool _dropsUsage = !call.Request.WantsUsage;
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(FirstSize);
    private int _filled;
    private int _ready;
    private int _given;

    private bool _isInsideEvent;

    public bool HasReady => _given < _ready;

    /// <summary>Whether the bytes given so far end inside an event, because it is longer than the buffer.</summary>
    public bool IsInsideEvent => _isInsideEvent;

    public Memory<byte> FreeSpace()
    {
        // Discard the bytes already forwarded.
        _buffer.AsSpan(_ready, _filled - _ready).CopyTo(_buffer);
        _filled -= _ready;
        _ready = _given = 0;
        if (_filled == _buffer.Length)
        {
            var larger = ArrayPool<byte>.Shared.Rent(_buffer.Length * 2);
            _buffer.AsSpan(0, _filled).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = larger;
        }

        return _buffer.AsMemory(_filled);
    }

    public void Filled(int bytes)
    {
        _filled += bytes;
        var read = 0;
        while (EventEnd(_buffer.AsSpan(read, _filled - read)) is var length and > 0)
        {
            _isInsideEvent = false;
            if (Keeps(_buffer.AsSpan(read, length)))
            {
                if (read != _ready)
                {
                    _buffer.AsSpan(read, length).CopyTo(_buffer.AsSpan(_ready));
                }

                _ready += length;
            }

            read += length;
        }

        // A removed event leaves a gap before the incomplete rest.
        if (read != _ready)
        {
            _buffer.AsSpan(read, _filled - read).CopyTo(_buffer.AsSpan(_ready));
            _filled -= read - _ready;
        }

        if (_filled - _ready > LongestEvent || (_ready == 0 && _filled == _buffer.Length && !MayGrow()))
        {
            call.Events++;
            _isInsideEvent = true;
            _ready = _filled;
        }
    }

    public void End() => End([]);

    public void Break(ApiError error) => End(call.Errors.Event(error, call.Scope));

    /// <summary>Ends the stream: forwards the rest as it is, then the given bytes.</summary>
    /// <param name="last">Further bytes; none when the stream ended well.</param>
    public void End(ReadOnlySpan<byte> last)
    {
        if (last.Length > 0)
        {
            // Separate the incomplete event from ours.
            ReadOnlySpan<byte> gap = _filled > _ready ? "\n\n"u8 : [];
            var larger = ArrayPool<byte>.Shared.Rent(_filled + gap.Length + last.Length);
            _buffer.AsSpan(0, _filled).CopyTo(larger);
            gap.CopyTo(larger.AsSpan(_filled));
            last.CopyTo(larger.AsSpan(_filled + gap.Length));
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = larger;
            _filled += gap.Length + last.Length;
        }

        _ready = _filled;
    }

    /// <summary>Takes the complete events that are ready, for a reader that does not forward them.</summary>
    public Span<byte> TakeReady()
    {
        var ready = _buffer.AsSpan(_given, _ready - _given);
        _given = _ready;
        return ready;
    }

    public int Give(Span<byte> destination)
    {
        var count = Math.Min(destination.Length, _ready - _given);
        _buffer.AsSpan(_given, count).CopyTo(destination);
        _given += count;
        return count;
    }

    public void Dispose()
    {
        var buffer = _buffer;
        _buffer = [];
        _filled = _ready = _given = 0;
        if (buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Whether memory permits a buffer of twice the size; a small one always.</summary>
    private bool MayGrow() =>
        _buffer.Length < UncountedSize || call.Scope.Memory?.TryGrow(_buffer.Length * 2L) != false;

    private bool Keeps(ReadOnlySpan<byte> text)
    {
        if (text[0] == (byte)':')
        {
            // A comment; the client's stream can still come from another runtime.
            return true;
        }

        call.Events++;
        if (text.StartsWith("event:"u8))
        {
            ReadNamed(text);
            return true;
        }

        if (!text.StartsWith("data:"u8))
        {
            return true;
        }

        var data = text["data:"u8.Length..].Trim(" \r\n"u8);
        if (data.IsEmpty || data[0] != (byte)'{')
        {
            call.HasEndMark |= data.SequenceEqual("[DONE]"u8);
            return true;
        }

        call.HasEndMark = call.HasEndMark || SaysFinished(data);

        if (UsageReader.TryRead(data, out var usage))
        {
            call.Usage = call.Usage.Or(usage);
            if (_dropsUsage && UsageReader.IsUsageAlone(data))
            {
                return false;
            }
        }

        call.Chunks++;
        return true;
    }

    /// <summary>An event of the Messages or the Responses API. Its name tells whether it has output or is the last.</summary>
    private void ReadNamed(ReadOnlySpan<byte> text)
    {
        var name = text["event:"u8.Length..text.IndexOf((byte)'\n')].Trim(" \r"u8);
        call.HasEndMark =
            call.HasEndMark
            || name.SequenceEqual("message_stop"u8)
            || name.SequenceEqual("response.completed"u8)
            || name.SequenceEqual("response.incomplete"u8)
            || name.SequenceEqual("response.failed"u8)
            || name.SequenceEqual("error"u8);
        if (UsageReader.TryRead(text, out var usage))
        {
            call.Usage = call.Usage.Or(usage);
        }

        if (name.EndsWith("delta"u8))
        {
            call.Chunks++;
        }
    }

    /// <summary>
    /// Whether the event says why the answer ended. Some runtimes send no <c>[DONE]</c> after it. A text cannot look
    /// like it, because the quotes in a JSON text are escaped.
    /// </summary>
    private static bool SaysFinished(ReadOnlySpan<byte> json)
    {
        const int colonAndSpace = 2;
        var at = json.IndexOf("\"finish_reason\""u8);
        if (at < 0)
        {
            return false;
        }

        var rest = json[(at + "\"finish_reason\""u8.Length)..];
        var value = rest.IndexOfAnyExcept(": \t"u8);
        return value > 0 && value <= colonAndSpace && rest[value] == (byte)'"';
    }

    /// <summary>Length of the first complete event with its blank line; 0 when none is complete.</summary>
    public static int EventEnd(ReadOnlySpan<byte> text)
    {
        for (var at = 0; ; )
        {
            var line = text[at..].IndexOf((byte)'\n');
            if (line < 0)
            {
                return 0;
            }

            at += line + 1;
            if (at < text.Length && text[at] == (byte)'\n')
            {
                return at + 1;
            }

            if (at + 1 < text.Length && text[at] == (byte)'\r' && text[at + 1] == (byte)'\n')
            {
                return at + 2;
            }
        }
    }
}
