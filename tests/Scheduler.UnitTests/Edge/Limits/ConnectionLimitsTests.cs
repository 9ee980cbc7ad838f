using System.Net;
using System.Net.Sockets;
using System.Text;
using FsCheck;
using FsCheck.Xunit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Scheduler.Edge;
using Scheduler.Edge.Limits;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.UnitTests.Edge.Limits;

public sealed class ConnectionLimitsTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Property(MaxTest = 200)]
    public void Neither_limit_is_exceeded_and_a_new_address_finds_room_before_a_known_one(NonEmptyArray<byte> steps)
    {
        const int all = 16;
        const int ofOne = 8;
        var limits = Limits(all, ofOne);
        var open = new List<AddressPrefix>();
        foreach (var step in steps.Get)
        {
            var address = new AddressPrefix((ulong)step % 5, true);
            if (step >= 128 && open.Count > 0)
            {
                var gone = open[step % open.Count];
                open.Remove(gone);
                limits.Leave(gone);
                continue;
            }

            var own = open.Count(one => one == address);
            var refused = limits.TryEnter(address);
            Assert.Equal(
                own >= ofOne ? "address"
                    : open.Count >= (own == 0 ? all : all - 1) ? "process"
                    : null,
                refused
            );
            if (refused is null)
            {
                open.Add(address);
            }

            Assert.Equal(open.Count, limits.Open);
        }

        open.ForEach(limits.Leave);
        Assert.Equal(0, limits.Open);
    }

    [Theory]
    [InlineData(600L, 24L << 30, 44)]
    [InlineData(2048L, 24L << 30, 768)]
    [InlineData(256L, 24L << 30, 16)]
    [InlineData(1_048_576L, 384L << 20, 614)]
    [InlineData(1_048_576L, 64L << 30, 20_000)]
    [InlineData(null, 64L << 30, 20_000)]
    public void The_number_follows_from_file_descriptors_and_memory(long? descriptors, long memory, int most) =>
        Assert.Equal(most, new ConnectionOptions().MostOf(descriptors, memory));

    [Fact]
    public async Task Idle_connections_over_the_limit_of_an_address_are_closed_and_do_not_reach_the_server()
    {
        await using var server = await StartAsync(("Most", "40"), ("MostPerAddress", "4"));
        var idle = new List<Socket>();
        for (var i = 0; i < 4; i++)
        {
            idle.Add(await ConnectAsync(server));
        }

        await WaitForAsync(() => server.Services.GetRequiredService<ConnectionLimits>().Open == 4);
        Assert.Equal("", await AskAsync(server));

        idle[0].Dispose();
        await WaitForAsync(() => server.Services.GetRequiredService<ConnectionLimits>().Open == 3);
        Assert.StartsWith("HTTP/1.1 200", await AskAsync(server));
        idle.ForEach(socket => socket.Dispose());
    }

    [Fact]
    public async Task A_connection_that_sends_nothing_is_closed_after_the_idle_time()
    {
        await using var server = await StartAsync(("IdleTimeout", "00:00:01"));
        using var silent = await ConnectAsync(server);
        Assert.Equal(0, await silent.ReceiveAsync(new byte[1], Ct));
    }

    private static ConnectionLimits Limits(int most, int ofOne)
    {
        var services = new ServiceCollection().AddMetrics();
        services.AddMemoryBudget();
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().Build());
        return new ConnectionLimits(most, ofOne, services.BuildServiceProvider().GetRequiredService<EdgeMetrics>());
    }

    private static async Task<WebApplication> StartAsync(params (string Name, string Value)[] settings)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(
            settings.Select(setting => KeyValuePair.Create($"Connections:{setting.Name}", (string?)setting.Value))
        );
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddConnectionLimits();
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.UseConnectionSettings();
            kestrel.Listen(IPAddress.Loopback, 0, port => port.LimitConnections());
        });
        var app = builder.Build();
        app.Run(http => Task.CompletedTask);
        await app.StartAsync(Ct);
        return app;
    }

    private static async Task<Socket> ConnectAsync(WebApplication server)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, new Uri(server.Urls.First()).Port, Ct);
        return socket;
    }

    /// <summary>The answer to a request; empty if the connection was closed.</summary>
    private static async Task<string> AskAsync(WebApplication server)
    {
        var answer = new byte[1024];
        try
        {
            using var socket = await ConnectAsync(server);
            await socket.SendAsync(Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), Ct);
            return Encoding.ASCII.GetString(answer, 0, await socket.ReceiveAsync(answer, Ct));
        }
        catch (SocketException)
        {
            return "";
        }
    }

    private static Task<bool> WaitForAsync(Func<bool> condition) =>
        Eventually.UntilAsync(() => Task.FromResult(condition()), isSo => isSo, "the connections are counted");
}
