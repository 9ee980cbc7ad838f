using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Scheduler.Benchmarks.Gateway;

/// <summary>
/// A closed loop over a number of connections: each sends a prepared request, reads the complete answer and sends the
/// next. It uses plain sockets to keep the driver's own cost small.
/// </summary>
internal sealed class LoadDriver(IPEndPoint target, byte[] request, int events)
{
    /// <summary>
    /// With 1, set before the first socket is used, the thread that waits for sockets also runs the continuations.
    /// Right for a driver or a stub, which never block; wrong for a server.
    /// </summary>
    public const string Inline = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";

    private readonly List<long> _took = [];
    private readonly Lock _gate = new();
    private long _from = long.MaxValue;
    private volatile bool _ends;

    /// <summary>A request to the chat path.</summary>
    /// <param name="members">Members of its body after model and messages; begins with a comma, or is empty.</param>
    public static byte[] Chat(string token, string members)
    {
        var body =
            $"{{\"model\":\"stub\",\"messages\":[{{\"role\":\"system\",\"content\":\"You are a helpful assistant.\"}},{{\"role\":\"user\",\"content\":\"Which of the two bridges over the river is the older one, and who built it?\"}}],\"temperature\":0.7,\"max_tokens\":256{members}}}";
        return Encoding.ASCII.GetBytes(
            string.Create(
                CultureInfo.InvariantCulture,
                $"POST /v1/chat/completions HTTP/1.1\r\nHost: bench\r\nUser-Agent: bench\r\nAccept: */*\r\nContent-Type: application/json\r\nAuthorization: Bearer {token}\r\nContent-Length: {body.Length}\r\n\r\n{body}"
            )
        );
    }

    /// <param name="connections">Concurrent connections.</param>
    /// <param name="warmUp">Seconds that are not measured.</param>
    /// <param name="seconds">Measured seconds.</param>
    /// <param name="cpu">CPU time so far of the observed processes.</param>
    public async Task<Load> RunAsync(int connections, double warmUp, double seconds, Func<TimeSpan[]> cpu)
    {
        var all = Enumerable.Range(0, connections).Select(_ => Task.Run(WorkAsync)).ToArray();
        await Task.WhenAny([Task.Delay(TimeSpan.FromSeconds(warmUp)), .. all]);
        var before = cpu();
        var began = Stopwatch.GetTimestamp();
        Volatile.Write(ref _from, began);
        await Task.WhenAny([Task.Delay(TimeSpan.FromSeconds(seconds)), .. all]);
        _ends = true;
        var lasted = Stopwatch.GetElapsedTime(began);
        var after = cpu();
        await Task.WhenAll(all);
        _took.Sort();
        return new Load(_took, lasted, [.. after.Zip(before, (a, b) => a - b)]);
    }

    private async Task WorkAsync()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.NoDelay = true;
        await socket.ConnectAsync(target);
        var took = new List<long>();
        var answer = new byte[64 * 1024];
        while (!_ends)
        {
            var sent = Stopwatch.GetTimestamp();
            await socket.SendAsync(request);
            await ReadAsync(socket, answer);
            var now = Stopwatch.GetTimestamp();
            if (sent >= Volatile.Read(ref _from) && !_ends)
            {
                took.Add(now - sent);
            }
        }

        lock (_gate)
        {
            _took.AddRange(took);
        }
    }

    /// <summary>Reads one answer to its end.</summary>
    /// <exception cref="InvalidDataException">The answer is not the expected one.</exception>
    private async ValueTask ReadAsync(Socket socket, byte[] buffer)
    {
        var filled = 0;
        while (!IsWhole(buffer.AsSpan(0, filled)))
        {
            var read = await socket.ReceiveAsync(buffer.AsMemory(filled));
            filled += read;
            if (read == 0 || filled == buffer.Length)
            {
                throw Unexpected(buffer.AsSpan(0, filled));
            }
        }

        var answer = buffer.AsSpan(0, filled);
        if (!answer.StartsWith("HTTP/1.1 200 "u8) || (events > 0 && EventsIn(answer) != events))
        {
            throw Unexpected(answer);
        }
    }

    /// <summary>Events of a chunked answer; a chunk may end inside an event.</summary>
    private static int EventsIn(Span<byte> answer)
    {
        var rest = answer[(answer.IndexOf("\r\n\r\n"u8) + 4)..];
        var body = answer;
        var filled = 0;
        while (
            System.Buffers.Text.Utf8Parser.TryParse(rest, out int length, out var digits, 'x')
            && length > 0
            && rest.Length > digits + 2 + length
        )
        {
            rest.Slice(digits + 2, length).CopyTo(body[filled..]);
            filled += length;
            rest = rest[(digits + 2 + length + 2)..];
        }

        return body[..filled].Count("data: {"u8);
    }

    private static bool IsWhole(ReadOnlySpan<byte> answer)
    {
        var end = answer.IndexOf("\r\n\r\n"u8);
        if (end < 0)
        {
            return false;
        }

        var at = answer[..end].IndexOf("Content-Length: "u8);
        if (at < 0)
        {
            return answer.EndsWith("\r\n0\r\n\r\n"u8);
        }

        _ = System.Buffers.Text.Utf8Parser.TryParse(answer[(at + "Content-Length: ".Length)..], out int length, out _);
        return answer.Length == end + 4 + length;
    }

    private static InvalidDataException Unexpected(ReadOnlySpan<byte> answer) =>
        new($"Unexpected answer:\n{Encoding.ASCII.GetString(answer)}");
}

/// <param name="Took">Sorted times from a request to the end of its answer, in timestamp ticks.</param>
/// <param name="Lasted">Duration of the measurement.</param>
/// <param name="Cpu">CPU time of each observed process during the measurement.</param>
internal sealed record Load(List<long> Took, TimeSpan Lasted, TimeSpan[] Cpu)
{
    /// <summary>Answers per second.</summary>
    public double PerSecond => Took.Count / Lasted.TotalSeconds;

    /// <summary>Latency percentile in microseconds.</summary>
    public double Micros(double share) =>
        Stopwatch.GetElapsedTime(0, Took[(int)Math.Min(Took.Count - 1, Took.Count * share)]).TotalMicroseconds;

    /// <summary>CPU microseconds per request of one observed process.</summary>
    public double CpuMicros(int of) => Cpu[of].TotalMicroseconds / Took.Count;
}
