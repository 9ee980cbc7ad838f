using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Scheduler.VendorServers.Docker;

/// <summary>The HTTP port of a runtime in a container: healthy, and with one answer to every chat.</summary>
internal sealed class PlayedRuntime : IDisposable
{
    private const int MaxRequestBytes = 1 << 20;

    private const string Chat = """
        {"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"played","choices":[{"index":0,"message":{"role":"assistant","content":"Hello."},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}
        """;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _serving;

    internal PlayedRuntime()
    {
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _serving = ServeAsync();
    }

    internal int Port { get; }

    public void Dispose()
    {
        if (!_stop.IsCancellationRequested)
        {
            _stop.Cancel();
            _listener.Dispose();
            _serving.Wait(CancellationToken.None);
        }

        _stop.Dispose();
    }

    private async Task ServeAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                using var client = await _listener.AcceptTcpClientAsync(_stop.Token);
                await AnswerAsync(client.GetStream(), _stop.Token);
            }
            catch (Exception e)
                when (e is OperationCanceledException or SocketException or IOException or ObjectDisposedException)
            {
                // The caller went away, or the container ends.
            }
        }
    }

    private static async Task AnswerAsync(Stream stream, CancellationToken cancellationToken)
    {
        var bytes = new byte[MaxRequestBytes];
        var read = 0;
        var head = -1;
        while (head < 0 && read < bytes.Length)
        {
            var more = await stream.ReadAsync(bytes.AsMemory(read), cancellationToken);
            if (more == 0)
            {
                return;
            }

            read += more;
            head = bytes.AsSpan(0, read).IndexOf("\r\n\r\n"u8);
        }

        var request = Encoding.ASCII.GetString(bytes, 0, read);
        var isChat = request.Contains("/chat/completions", StringComparison.Ordinal);
        var body = isChat ? Chat : "{}";
        var answer = FormattableString.Invariant(
            $"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\nConnection: close\r\n\r\n{body}"
        );
        await stream.WriteAsync(Encoding.ASCII.GetBytes(answer), cancellationToken);
    }
}
