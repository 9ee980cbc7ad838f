using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Scheduler.TestKit;

/// <summary>
/// A network between one process and a server on this host, as a loopback port. It can be cut in two ways and restored.
/// </summary>
public sealed class CuttableProxy : IAsyncDisposable
{
    private const int BufferBytes = 16 * 1024;

    private readonly IPEndPoint _server;
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _ends = new();
    private readonly ConcurrentDictionary<Socket, bool> _sockets = new();
    private readonly ConcurrentDictionary<Task, bool> _pipes = new();
    private readonly Task _accepting;
    private TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile ProxyState _state = ProxyState.Open;

    /// <summary>The proxy is open at first.</summary>
    /// <param name="serverPort">The server's loopback port.</param>
    public CuttableProxy(int serverPort)
    {
        _server = new IPEndPoint(IPAddress.Loopback, serverPort);
        _opened.SetResult();
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _accepting = AcceptAsync();
    }

    /// <summary>Port on 127.0.0.1.</summary>
    public int Port { get; }

    /// <summary>Cuts or restores the network. Not thread-safe.</summary>
    public void Become(ProxyState state)
    {
        if (state == ProxyState.Open)
        {
            _state = state;
            _opened.TrySetResult();
            return;
        }

        if (_opened.Task.IsCompleted)
        {
            _opened = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        _state = state;
        if (state == ProxyState.Reset)
        {
            foreach (var socket in _sockets.Keys)
            {
                Reset(socket);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _ends.CancelAsync();
        _listener.Dispose();
        foreach (var socket in _sockets.Keys)
        {
            Reset(socket);
        }

        await _accepting;
        await Task.WhenAll(_pipes.Keys);
        _ends.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_ends.IsCancellationRequested)
        {
            try
            {
                var client = await _listener.AcceptSocketAsync(_ends.Token);
                var pipe = ServeAsync(client);
                _pipes.TryAdd(pipe, true);
                _ = pipe.ContinueWith(ended => _pipes.TryRemove(ended, out _), TaskScheduler.Default);
            }
            catch (Exception exception) when (_ends.IsCancellationRequested && IsTornDown(exception))
            {
                return;
            }
        }
    }

    private async Task ServeAsync(Socket client)
    {
        using var server = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        using (client)
        {
            client.NoDelay = true;
            _sockets.TryAdd(client, true);
            _sockets.TryAdd(server, true);
            try
            {
                if (_state == ProxyState.Reset)
                {
                    Reset(client);
                    return;
                }

                await OpenAsync();
                await server.ConnectAsync(_server, _ends.Token);
                await Task.WhenAll(PipeAsync(client, server), PipeAsync(server, client));
            }
            catch (Exception exception) when (IsTornDown(exception))
            {
                // Either end may have closed the connection; the other end gets the same reset.
                Reset(client);
                Reset(server);
            }
            finally
            {
                _sockets.TryRemove(client, out _);
                _sockets.TryRemove(server, out _);
            }
        }
    }

    private async Task PipeAsync(Socket from, Socket to)
    {
        var buffer = new byte[BufferBytes];
        try
        {
            while (true)
            {
                var read = await from.ReceiveAsync(buffer, _ends.Token);
                await OpenAsync();
                if (read == 0)
                {
                    to.Shutdown(SocketShutdown.Send);
                    return;
                }

                for (var sent = 0; sent < read; )
                {
                    sent += await to.SendAsync(buffer.AsMemory(sent, read - sent), _ends.Token);
                }
            }
        }
        catch (Exception exception) when (IsTornDown(exception))
        {
            // A reset is also a message: none passes through a silent network.
            await OpenAsync();
            Reset(from);
            Reset(to);
            throw;
        }
    }

    private Task OpenAsync() => _state == ProxyState.Silent ? _opened.Task.WaitAsync(_ends.Token) : Task.CompletedTask;

    private static bool IsTornDown(Exception exception) =>
        exception is SocketException or ObjectDisposedException or OperationCanceledException;

    /// <summary>Closes without a handshake: the peer gets RST.</summary>
    private static void Reset(Socket socket)
    {
        try
        {
            socket.LingerState = new LingerOption(true, 0);
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // Already closed or never open: there is nothing to reset.
        }

        socket.Dispose();
    }
}
