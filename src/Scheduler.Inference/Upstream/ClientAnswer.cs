using Microsoft.AspNetCore.Http;
using Scheduler.Inference.Gateway;

namespace Scheduler.Inference.Upstream;

/// <summary>
/// The answer as it is written to the client. Starts the response with its first byte. While a stream waits, it sends keep-alive
/// messages, so that proxies between keep the connection open.
/// </summary>
internal sealed class ClientAnswer(HttpContext http, ClientErrors errors, TimeProvider clock) : IAsyncDisposable
{
    /// <summary>
    /// Longest time without a byte in a stream. Common proxies close idle connections after 60 s, some after 15 s.
    /// </summary>
    public static readonly TimeSpan MostSilence = TimeSpan.FromSeconds(10);

    /// <summary>Held while bytes are written, so that a keep-alive message never splits an event.</summary>
    private readonly SemaphoreSlim _turn = new(1, 1);
    private ITimer? _timer;
    private long _wroteAt = clock.GetTimestamp();
    private bool _isInsideEvent;
    private bool _hasEnded;

    /// <summary>Whether the client has received the headers; then an error can only be an event of the stream.</summary>
    public bool HasStarted => http.Response.HasStarted;

    /// <summary>
    /// From now on the answer is a stream: sends a keep-alive message whenever nothing was sent for <see cref="MostSilence"/>.
    /// </summary>
    public void KeepAlive()
    {
        _wroteAt = clock.GetTimestamp();
        _timer ??= clock.CreateTimer(
            static answer => ((ClientAnswer)answer!).OnTimer(),
            this,
            MostSilence,
            Timeout.InfiniteTimeSpan
        );
    }

    /// <summary>Sets the headers of the answer; has no effect after the start.</summary>
    public void Begin(string contentType, long? length)
    {
        var response = http.Response;
        if (response.HasStarted)
        {
            return;
        }

        response.StatusCode = StatusCodes.Status200OK;
        response.ContentType = contentType;
        response.ContentLength = length;
    }

    /// <summary>Sets the headers of a stream; has no effect after the start.</summary>
    public void BeginStream()
    {
        if (http.Response.HasStarted)
        {
            return;
        }

        Begin("text/event-stream", null);

        // Keeps proxies between from buffering the stream.
        http.Response.Headers.CacheControl = "no-cache";
        http.Response.Headers["X-Accel-Buffering"] = "no";
    }

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        await _turn.WaitAsync(http.RequestAborted);
        try
        {
            await http.Response.BodyWriter.WriteAsync(bytes, http.RequestAborted);
            _wroteAt = clock.GetTimestamp();
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Writes all bytes that are ready.</summary>
    public async ValueTask WriteAsync(IEventRelay events)
    {
        await _turn.WaitAsync(http.RequestAborted);
        try
        {
            var writer = http.Response.BodyWriter;
            while (events.HasReady)
            {
                writer.Advance(events.Give(writer.GetSpan()));
            }

            _isInsideEvent = events.IsInsideEvent;
            await writer.FlushAsync(http.RequestAborted);
            _wroteAt = clock.GetTimestamp();
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Closes the connection: the only way to tell the client that an answer is incomplete.</summary>
    public void Abort() => http.Abort();

    public async ValueTask DisposeAsync()
    {
        if (_timer is not null)
        {
            await _turn.WaitAsync(CancellationToken.None);
            _hasEnded = true;
            _turn.Release();
            await _timer.DisposeAsync();
        }
    }

    private void OnTimer() => SignAsync().Ignore();

    private async Task SignAsync()
    {
        // A write that is in progress makes the message unnecessary.
        if (!await _turn.WaitAsync(0, CancellationToken.None))
        {
            Again(MostSilence);
            return;
        }

        try
        {
            if (_hasEnded || http.RequestAborted.IsCancellationRequested)
            {
                return;
            }

            var left = MostSilence - clock.GetElapsedTime(_wroteAt);
            if (left <= TimeSpan.Zero && !_isInsideEvent)
            {
                BeginStream();
                await http.Response.BodyWriter.WriteAsync(errors.KeepAliveMessage, http.RequestAborted);
                _wroteAt = clock.GetTimestamp();
                left = MostSilence;
            }

            Again(left > TimeSpan.Zero ? left : MostSilence);
        }
        finally
        {
            _turn.Release();
        }
    }

    private void Again(TimeSpan after)
    {
        if (!_hasEnded)
        {
            _timer!.Change(after, Timeout.InfiniteTimeSpan);
        }
    }
}
