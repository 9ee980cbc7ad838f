using System.Net;
using System.Net.Sockets;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.SystemTests;

/// <summary>A process with few file descriptors survives more connections than it can have.</summary>
public sealed class DescriptorTests
{
    private const int Descriptors = 600;

    private const int Connections = 3000;

    /// <summary>Connections that are opened at once.</summary>
    private const int AtOnce = 200;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>
    /// The process answers another address while one address holds all that it can get, and again its own calls when
    /// that address lets go. It keeps descriptors for its store and its commands.
    /// </summary>
    [Fact(Explicit = true)]
    public async Task Thousands_of_idle_connections_neither_end_the_process_nor_stop_its_work()
    {
        await using var scheduler = new SchedulerProcess { MaxOpenFiles = Descriptors };
        await scheduler.StartAsync(Ct);
        var api = ApiClient.Of("grpc", scheduler);
        var account = (await api.CreateAccountAsync("acct-crowd")).Ok.Name;
        for (var round = 0; round < 4; round++)
        {
            var crowd = await CrowdAsync(scheduler.Http.Port);
            try
            {
                Assert.True(scheduler.IsRunning, scheduler.Output);
                Assert.Equal(HttpStatusCode.OK, await LivesAsync(scheduler.Http.Port));
                // The channel was open before; its calls need files of the store.
                _ = (await api.TopUpAsync(account, 1_000_000, $"payment-{round}")).Ok;
            }
            finally
            {
                crowd.ForEach(connection => connection.Dispose());
            }
        }

        Assert.Equal(4_000_000, (await api.GetAccountAsync(account)).Ok.BalanceMicroEur);
        await Eventually.UntilAsync(
            () => Probe.StatusAsync(scheduler, "/livez"),
            status => status == 200,
            "the first address is served again"
        );
        Assert.True(scheduler.IsRunning, scheduler.Output);
        Assert.DoesNotContain(
            scheduler.Lines,
            line => line.Contains("Too many open files", StringComparison.OrdinalIgnoreCase)
        );
    }

    /// <summary>Opens connections from 127.0.0.1 and sends nothing; those that are refused are no error.</summary>
    private static async Task<List<Socket>> CrowdAsync(int port)
    {
        var sockets = new List<Socket>();
        while (sockets.Count < Connections)
        {
            var more = Enumerable.Range(0, AtOnce).Select(_ => NewSocket("127.0.0.1")).ToList();
            sockets.AddRange(more);
            await Task.WhenAll(more.Select(socket => TryConnectAsync(socket, port)));
        }

        return sockets;
    }

    private static async Task TryConnectAsync(Socket socket, int port)
    {
        try
        {
            await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port), Ct);
        }
        catch (SocketException)
        {
            // Refused or reset, as the limits ask.
        }
    }

    /// <summary>Asks from another address of this host.</summary>
    private static async Task<HttpStatusCode> LivesAsync(int port)
    {
        using var handler = new SocketsHttpHandler();
        handler.ConnectCallback = async (_, cancellation) =>
        {
            var socket = NewSocket("127.0.0.2");
            await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port), cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        };
        using var client = new HttpClient(handler) { Timeout = TimeSpan.FromSeconds(15) };
        using var answer = await client.GetAsync(new Uri($"http://127.0.0.1:{port}/livez"), Ct);
        return answer.StatusCode;
    }

    private static Socket NewSocket(string from)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
        return socket;
    }
}
