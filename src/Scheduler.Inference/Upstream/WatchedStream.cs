using Scheduler.Inference.Gateway;

namespace Scheduler.Inference.Upstream;

/// <summary>
/// A runtime's stream of events on its way to the client. When the runtime breaks off or falls silent, the client's stream ends with an event
/// that says why, under the request's id, instead of a torn connection.
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

    /// <summary>Watches one stream.</summary>
    /// <param name="inner">What the runtime sends; disposed of with this.</param>
    /// <param name="call">Whose it is.</param>
    /// <param name="silence">How long the runtime may send nothing.</param>
    /// <param name="clock">Measures the silence.</param>
    public WatchedStream(Stream inner, UpstreamCall call, TimeSpan silence, TimeProvider clock)
    {
        _inner = inner;
        _call = call;
        _events = new EventFilter(call);
        _silence = silence;
        _stop = new CancellationTokenSource(silence, clock);
        _gone = call.Aborted.UnsafeRegister(static stop => ((CancellationTokenSource)stop!).Cancel(), _stop);
    }

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => false;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (!_events.HasReady && !_hasEnded)
        {
            await FillAsync();
        }

        return _events.Give(buffer.Span);
    }

    /// <inheritdoc/>
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Flush() => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
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
            var read = await _inner.ReadAsync(_events.Room(), _stop.Token);
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
