using System.Buffers.Text;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Scheduler.Benchmarks.Gateway;

/// <summary>
/// A runtime with almost no cost: prepared answers over plain sockets, in a separate process. It supports just enough
/// HTTP for a proxy that keeps its connections. A static file of a web server would be as cheap, but cannot send one
/// event at a time, as runtimes do.
/// </summary>
/// <remarks>
/// Supported members of a request: <c>stream</c>, <c>stub_events</c> (default 32), <c>stub_pace_ms</c> (default 0: each
/// event is sent as soon as
/// the previous one) and, as in real runtimes, <c>stream_options.include_usage</c>.
/// </remarks>
internal static class StubRuntime
{
    /// <summary>Events of a stream without <c>stub_events</c>.</summary>
    public const int Events = 32;

    private const int LongestRead = 64 * 1024;
    private const string Usage = "\"usage\":{\"prompt_tokens\":12,\"completion_tokens\":32,\"total_tokens\":44}";
    private const string Head = "\"id\":\"chatcmpl-0123456789abcdef\",\"created\":1750000000,\"model\":\"stub\"";

    private static readonly byte[] Answer = Whole(
        $"{{{Head},\"object\":\"chat.completion\",\"choices\":[{{\"index\":0,\"message\":{{\"role\":\"assistant\",\"content\":\"Thirty-two tokens of an answer that says nothing in particular, at the usual length of such a thing.\"}},\"finish_reason\":\"stop\"}}],{Usage}}}"
    );

    private static readonly byte[] StreamHead = Encoding.ASCII.GetBytes(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"
    );

    private static readonly byte[] Event = Chunk(
        $"{{{Head},\"object\":\"chat.completion.chunk\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\" token\"}},\"finish_reason\":null}}]}}"
    );

    private static readonly byte[] UsageEvent = Chunk(
        $"{{{Head},\"object\":\"chat.completion.chunk\",\"choices\":[],{Usage}}}"
    );

    private static readonly byte[] StreamEnd = [.. Chunk("[DONE]"), .. "0\r\n\r\n"u8];

    /// <summary>Serves until the measuring process has exited.</summary>
    /// <param name="args">The port, and the id of the measuring process.</param>
    public static async Task RunAsync(string[] args)
    {
        var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, int.Parse(args[0], CultureInfo.InvariantCulture)));
        listener.Listen(4096);
        _ = AcceptAsync(listener);
        using var measures = Process.GetProcessById(int.Parse(args[1], CultureInfo.InvariantCulture));
        await measures.WaitForExitAsync();
    }

    private static async Task AcceptAsync(Socket listener)
    {
        while (true)
        {
            var client = await listener.AcceptAsync();
            client.NoDelay = true;
            _ = ServeAsync(client);
        }
    }

    private static async Task ServeAsync(Socket client)
    {
        using var mine = client;
        var buffer = new byte[LongestRead];
        try
        {
            while (await ReadAsync(client, buffer) is var read and > 0)
            {
                await AnswerAsync(client, buffer.AsMemory(0, read));
            }
        }
        catch (SocketException)
        {
            // The proxy closed the connection in the middle of a stream.
        }
    }

    /// <summary>Reads one request and keeps its first bytes.</summary>
    /// <returns>Number of bytes; 0 at the end of the connection.</returns>
    private static async ValueTask<int> ReadAsync(Socket client, byte[] buffer)
    {
        var filled = 0;
        int body;
        while ((body = buffer.AsSpan(0, filled).IndexOf("\r\n\r\n"u8)) < 0)
        {
            var read = await client.ReceiveAsync(buffer.AsMemory(filled));
            if (read == 0)
            {
                return 0;
            }

            filled += read;
        }

        var missing = Number(buffer.AsSpan(0, body), "Content-Length: "u8, 0) - (filled - body - 4);
        var waste = filled > LongestRead / 2 ? new byte[LongestRead] : null;
        while (missing > 0)
        {
            var room = waste ?? buffer.AsMemory(filled);
            var read = await client.ReceiveAsync(room);
            if (read == 0)
            {
                return 0;
            }

            missing -= read;
            filled += waste is null ? read : 0;
            if (filled > LongestRead / 2)
            {
                waste ??= new byte[LongestRead];
            }
        }

        return filled;
    }

    private static async ValueTask AnswerAsync(Socket client, ReadOnlyMemory<byte> request)
    {
        if (!request.Span.StartsWith("POST"u8))
        {
            var isPid = request.Span.StartsWith("GET /pid"u8);
            await client.SendAsync(Whole(isPid ? Environment.ProcessId.ToString(CultureInfo.InvariantCulture) : "{}"));
            return;
        }

        if (request.Span.IndexOf("\"stream\":true"u8) < 0)
        {
            await client.SendAsync(Answer);
            return;
        }

        var events = Number(request.Span, "\"stub_events\":"u8, Events);
        var pace = Number(request.Span, "\"stub_pace_ms\":"u8, 0);
        await client.SendAsync(StreamHead);
        for (var i = 0; i < events; i++)
        {
            await client.SendAsync(Event);
            if (pace > 0)
            {
                await Task.Delay(pace);
            }
        }

        if (request.Span.IndexOf("\"include_usage\":true"u8) >= 0)
        {
            await client.SendAsync(UsageEvent);
        }

        await client.SendAsync(StreamEnd);
    }

    private static int Number(ReadOnlySpan<byte> text, ReadOnlySpan<byte> after, int otherwise)
    {
        var at = text.IndexOf(after);
        return at >= 0 && Utf8Parser.TryParse(text[(at + after.Length)..], out int number, out _) ? number : otherwise;
    }

    private static byte[] Whole(string body) =>
        Encoding.ASCII.GetBytes(
            string.Create(
                CultureInfo.InvariantCulture,
                $"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}"
            )
        );

    private static byte[] Chunk(string data)
    {
        var text = $"data: {data}\n\n";
        return Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{text.Length:x}\r\n{text}\r\n"));
    }
}
