using System.Net;
using System.Net.Sockets;

namespace Scheduler.ProviderTests.Kubernetes;

/// <summary>A way to a server on loopback that breaks once, after a number of bytes of both directions together.</summary>
internal sealed class CutProxy : IAsyncDisposable
{
    private readonly IPEndPoint _server;
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _ends = new();
    private readonly List<Task> _pairs = [];
    private readonly Task _accepting;
    private long _left;

    /// <param name="cutAfter">Bytes until the break; <see cref="long.MaxValue"/> for none.</param>
    internal CutProxy(Uri server, long cutAfter)
    {
        _server = new IPEndPoint(IPAddress.Loopback, server.Port);
        _left = cutAfter;
        _listener.Start();
        Address = new UriBuilder(Uri.UriSchemeHttp, "127.0.0.1", ((IPEndPoint)_listener.LocalEndpoint).Port).Uri;
        _accepting = AcceptAsync();
    }

    internal Uri Address { get; }

    /// <summary>Bytes that went through so far.</summary>
    internal long Passed => Interlocked.Read(ref _passed);

    private long _passed;

    public async ValueTask DisposeAsync()
    {
        await _ends.CancelAsync();
        _listener.Stop();
        await _accepting;
        await Task.WhenAll(_pairs);
        _ends.Dispose();
        _listener.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _pairs.Add(JoinAsync(await _listener.AcceptSocketAsync(_ends.Token)));
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException)
        {
            // The proxy is disposed of.
        }
    }

    private async Task JoinAsync(Socket client)
    {
        using var near = client;
        using var far = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        (near.NoDelay, far.NoDelay) = (true, true);
        near.LingerState = far.LingerState = new LingerOption(true, 0);
        try
        {
            await far.ConnectAsync(_server, _ends.Token);
            await Task.WhenAny(PumpAsync(near, far), PumpAsync(far, near));
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException)
        {
            // One side is gone; the other is closed with it.
        }
    }

    private async Task PumpAsync(Socket from, Socket to)
    {
        try
        {
            var buffer = new byte[16 << 10];
            for (
                var read = await from.ReceiveAsync(buffer, _ends.Token);
                read > 0;
                read = await from.ReceiveAsync(buffer, _ends.Token)
            )
            {
                var left = Interlocked.Add(ref _left, -read);
                // The bytes before the break arrive.
                var passing = left >= 0 || left + read < 0 ? read : (int)(left + read);
                Interlocked.Add(ref _passed, passing);
                await to.SendAsync(buffer.AsMemory(0, passing), _ends.Token);
                if (passing < read)
                {
                    return;
                }
            }
        }
        catch (Exception exception)
            when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // One side is gone; the other is closed with it.
        }
    }
}
