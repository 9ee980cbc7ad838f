using Scheduler.Inference.Gateway;

namespace Scheduler.Inference.Upstream;

/// <summary>
/// A runtime's event stream on its way to the client. When the runtime breaks off or is silent for too long, the
/// stream ends with an error event. The event carries the request's id; the connection is not aborted.
/// </summary>
internal sealed class WatchedStream : Stream
{
    private readonly Stream _inner;
    private readonly UpstreamCall _call;
    private readonly EventFilter _events;
    private readonly TimeSpan _silence;
    private readonly CancellationTokenSource _stop;
    private readonly CancellationTokenRegistration _gone;
    private bool _hasEnded;

    /// <param name="inner">The runtime's stream; disposed of with this one.</param>
    /// <param name="silence">How long the runtime may send nothing.</param>
    public WatchedStream(Stream inner, UpstreamCall call, TimeSpan silence, TimeProvider clock)
    {
        _inner = inner;
        _call = call;
        _events = new EventFilter(call);
        _silence = silence;
        _stop = new CancellationTokenSource(silence, clock);
        _gone = call.Aborted.UnsafeRegister(static stop => ((CancellationTokenSource)stop!).Cancel(), _stop);
    }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (!_events.HasReady && !_hasEnded)
        {
            await FillAsync();
        }

        return _events.Give(buffer.Span);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush() => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _gone.Dispose();
            _stop.Dispose();
            _events.Dispose();
            _inner.Dispose();
        }

        base.Dispose(disposing);
    }

    private async ValueTask FillAsync()
    {
        try
        {
            var read = await _inner.ReadAsync(_events.FreeSpace(), _stop.Token);
            if (read > 0)
            {
                _stop.CancelAfter(_silence);
                _events.Filled(read);
                return;
            }

            _hasEnded = true;
            _events.End([]);
        }
        catch (Exception e) when (e is IOException or HttpRequestException or OperationCanceledException)
        {
            if (_call.Aborted.IsCancellationRequested)
            {
                throw;
            }

            _hasEnded = true;
            var error = await _call.ExplainBreak(
                e is OperationCanceledException ? $"sent nothing for {_silence.TotalSeconds:0} s" : "broke off"
            );
            _call.Break = error;
            _events.End(OpenAiErrors.Event(error, _call.Scope));
        }
    }
}
