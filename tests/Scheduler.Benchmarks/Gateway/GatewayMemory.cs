using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Scheduler.Benchmarks.Gateway;

/// <summary>
/// Memory of the gateway: with a thousand concurrent streams, and while clients send more bodies of maximum size than
/// it admits.
/// </summary>
internal static class GatewayMemory
{
    private const int Streams = 1000;
    private const int StreamEvents = 40;
    private const int PaceMilliseconds = 100;
    private const int Pushers = 5000;
    private const int PushedBytes = 4 * 1024 * 1024;
    private const int PieceBytes = 64 * 1024;
    private const int BoundMiB = 1024;

    private const int SecondsToBack = 60;

    public static async Task RunAsync()
    {
        await using (
            var scene = await GatewayScene.StartAsync(Invariant($"--Inference:MaxRequestsPerInstance={Streams}"))
        )
        {
            await StreamAsync(scene);
        }

        await using (
            var scene = await GatewayScene.StartAsync(
                Invariant($"--Memory:BudgetMiB={BoundMiB}"),
                "--Connections:Most=12000",
                "--Connections:MostPerAddress=12000"
            )
        )
        {
            await FloodAsync(scene);
        }
    }

    private static async Task StreamAsync(GatewayScene scene)
    {
        var request = LoadDriver.Chat(
            await scene.NewKeyAsync(),
            Invariant($",\"stream\":true,\"stub_events\":{StreamEvents},\"stub_pace_ms\":{PaceMilliseconds}")
        );
        Console.WriteLine();
        Console.WriteLine(
            $"| {Streams} streams at once, an event each {PaceMilliseconds} ms, through | resident before, MiB | during | kB a stream | CPU µs an event |"
        );
        Console.WriteLine("|---|--:|--:|--:|--:|");
        await MeasureAsync("nginx", scene.Nginx.Unbuffered, scene.Nginx.Ids, 1);
        await MeasureAsync("gateway", scene.Gateway, [scene.GatewayId], 0);

        async Task MeasureAsync(string way, System.Net.IPEndPoint target, IReadOnlyList<int> ids, int of)
        {
            // Twice: during the first run the JIT compiler is active, and pools fill.
            await new LoadDriver(target, request, StreamEvents).RunAsync(64, 0, 1, scene.Cpu);
            var (before, during) = (GatewayScene.Resident(ids).Now, 0.0);
            var load = await new LoadDriver(target, request, StreamEvents).RunAsync(
                Streams,
                warmUp: 5,
                seconds: 5,
                () =>
                {
                    during = GatewayScene.Resident(ids).Now;
                    return scene.Cpu();
                }
            );
            var events = load.Lasted.TotalMilliseconds / PaceMilliseconds * Streams;
            Console.WriteLine(
                Invariant(
                    $"| {way} | {before:0} | {during:0} | {(during - before) * 1024 / Streams:0} | {load.Cpu[of].TotalMicroseconds / events:0.0} |"
                )
            );
        }
    }

    private static async Task FloodAsync(GatewayScene scene)
    {
        Console.WriteLine();
        Console.WriteLine(
            $"| {Pushers} clients push {PushedBytes >> 20} MiB each, bound {BoundMiB} MiB, with | resident before, MiB | peak | peak / bound | {SecondsToBack} s after | answers |"
        );
        Console.WriteLine("|---|--:|--:|--:|--:|---|");
        await new LoadDriver(scene.Gateway, LoadDriver.Chat(await scene.NewKeyAsync(), ""), 0).RunAsync(
            32,
            0,
            2,
            scene.Cpu
        );
        foreach (var keys in new[] { 1, 16 })
        {
            var tokens = new List<string>();
            for (var i = 0; i < keys; i++)
            {
                tokens.Add(await scene.NewKeyAsync());
            }

            var before = Now();
            var peak = before;
            var flood = Task.WhenAll(
                Enumerable.Range(0, Pushers).Select(i => Task.Run(() => PushAsync(scene, tokens[i % keys])))
            );
            while (!flood.IsCompleted)
            {
                peak = Math.Max(peak, Now());
                await Task.Delay(20);
            }

            await Task.Delay(TimeSpan.FromSeconds(SecondsToBack));
            var kinds = (await flood).CountBy(answer => answer).OrderBy(kind => kind.Key, StringComparer.Ordinal);
            Console.WriteLine(
                Invariant(
                    $"| {keys} key(s) | {before:0} | {peak:0} | {peak / BoundMiB:0.00} | {Now():0} | {string.Join(", ", kinds.Select(kind => Invariant($"{kind.Value} x {kind.Key}")))} |"
                )
            );
        }

        double Now() => GatewayScene.Resident(scene.GatewayId).Now;
    }

    /// <summary>Sends one body in pieces until an answer arrives.</summary>
    /// <returns>Its status and code, or that the connection was closed.</returns>
    private static async Task<string> PushAsync(GatewayScene scene, string token)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        const string opening = "{\"model\":\"stub\",\"messages\":[{\"role\":\"user\",\"content\":\"";
        var head = Encoding.ASCII.GetBytes(
            Invariant(
                $"POST /v1/chat/completions HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nAuthorization: Bearer {token}\r\nContent-Length: {PushedBytes}\r\n\r\n{opening}"
            )
        );
        try
        {
            await socket.ConnectAsync(scene.Gateway);
            await socket.SendAsync(head);
            var left = PushedBytes - opening.Length;
            while (left > Closing.Length && socket.Available == 0)
            {
                var piece = Math.Min(PieceBytes, left - Closing.Length);
                await socket.SendAsync(Piece.AsMemory(0, piece));
                left -= piece;
                await Task.Delay(PaceMilliseconds);
            }

            if (left == Closing.Length)
            {
                await socket.SendAsync(Closing);
            }

            var answer = new byte[4096];
            var read = await socket.ReceiveAsync(answer);
            return read > 12 ? Told(Encoding.ASCII.GetString(answer, 0, read)) : "closed";
        }
        catch (SocketException)
        {
            return "closed";
        }
    }

    private static string Told(string answer)
    {
        const string mark = "\"code\":\"";
        var (status, at) = (answer[9..12], answer.IndexOf(mark, StringComparison.Ordinal));
        return at < 0 ? status : $"{status} {answer[(at + mark.Length)..].Split('"')[0]}";
    }

    private static readonly byte[] Piece = [.. Enumerable.Repeat((byte)'a', PieceBytes)];
    private static readonly byte[] Closing = [.. "\"}]}"u8];

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
