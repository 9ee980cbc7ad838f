using System.Net;
using System.Net.Sockets;
using FsCheck.Xunit;
using Scheduler.Inference.Hosted;
using Xunit;

namespace Scheduler.UnitTests.Inference.Hosted;

public sealed class EgressGuardTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("0.0.0.0")]
    [InlineData("10.0.0.1")]
    [InlineData("100.64.0.1")]
    [InlineData("127.0.0.1")]
    [InlineData("127.255.255.254")]
    [InlineData("168.63.129.16")]
    [InlineData("169.254.169.254")]
    [InlineData("172.16.0.1")]
    [InlineData("172.31.255.255")]
    [InlineData("192.0.0.192")]
    [InlineData("192.0.2.1")]
    [InlineData("192.88.99.1")]
    [InlineData("192.168.1.1")]
    [InlineData("198.18.0.1")]
    [InlineData("198.51.100.1")]
    [InlineData("203.0.113.1")]
    [InlineData("224.0.0.1")]
    [InlineData("255.255.255.255")]
    [InlineData("::")]
    [InlineData("::1")]
    [InlineData("::127.0.0.1")]
    [InlineData("::ffff:127.0.0.1")]
    [InlineData("::ffff:10.1.2.3")]
    [InlineData("::ffff:169.254.169.254")]
    [InlineData("64:ff9b::7f00:1")]
    [InlineData("64:ff9b::a9fe:a9fe")]
    [InlineData("64:ff9b:1::a00:1")]
    [InlineData("100::1")]
    [InlineData("2001::1")]
    [InlineData("2001:db8::1")]
    [InlineData("2002:7f00:1::1")]
    [InlineData("3fff::1")]
    [InlineData("fc00::1")]
    [InlineData("fd00:ec2::254")]
    [InlineData("fe80::1")]
    [InlineData("fe80::1%2")]
    [InlineData("fec0::1")]
    [InlineData("ff02::1")]
    public void An_address_that_is_not_public_is_refused(string address) =>
        Assert.NotNull(EgressRanges.WhyRefused(IPAddress.Parse(address), []));

    [Theory]
    [InlineData("1.1.1.1")]
    [InlineData("9.255.255.255")]
    [InlineData("11.0.0.0")]
    [InlineData("100.63.255.255")]
    [InlineData("100.128.0.0")]
    [InlineData("128.0.0.0")]
    [InlineData("169.253.255.255")]
    [InlineData("172.15.255.255")]
    [InlineData("172.32.0.0")]
    [InlineData("192.167.255.255")]
    [InlineData("198.20.0.0")]
    [InlineData("223.255.255.255")]
    [InlineData("2606:4700::1111")]
    [InlineData("2a00:1450:4001:81b::200e")]
    [InlineData("::ffff:8.8.8.8")]
    [InlineData("64:ff9b::808:808")]
    public void A_public_address_is_permitted(string address) =>
        Assert.Null(EgressRanges.WhyRefused(IPAddress.Parse(address), []));

    [Property(MaxTest = 500)]
    public bool An_address_is_judged_alike_in_every_form(byte a, byte b, byte c, byte d)
    {
        var plain = new IPAddress([a, b, c, d]);
        var translated = IPAddress.Parse($"64:ff9b::{a:x2}{b:x2}:{c:x2}{d:x2}");
        var why = EgressRanges.WhyRefused(plain, []);
        return why == EgressRanges.WhyRefused(plain.MapToIPv6(), []) && why == EgressRanges.WhyRefused(translated, []);
    }

    [Fact]
    public void The_configuration_can_permit_a_network_and_nothing_beside_it()
    {
        IPNetwork[] allowed = [IPNetwork.Parse("10.1.0.0/16")];
        Assert.Null(EgressRanges.WhyRefused(IPAddress.Parse("10.1.2.3"), allowed));
        Assert.Null(EgressRanges.WhyRefused(IPAddress.Parse("::ffff:10.1.2.3"), allowed));
        Assert.NotNull(EgressRanges.WhyRefused(IPAddress.Parse("10.2.0.1"), allowed));
    }

    [Theory]
    [InlineData("http://127.0.0.1/")]
    [InlineData("http://2130706433/")]
    [InlineData("http://0x7f.1/")]
    [InlineData("http://[::ffff:7f00:1]/")]
    [InlineData("http://[::1]/")]
    public async Task An_address_in_the_url_is_checked_in_every_notation(string url)
    {
        var world = new World();
        using var client = new HttpMessageInvoker(world.Guard.NewHandler());
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        await RefusedAsync(() => client.SendAsync(request, Ct));
        Assert.Empty(world.Dialed);
    }

    [Fact]
    public async Task A_name_with_one_address_that_is_not_public_is_refused_whole()
    {
        var world = new World { Answers = _ => ["1.1.1.1", "10.0.0.1"] };
        await Assert.ThrowsAsync<EgressRefusedException>(() =>
            world.Guard.ConnectAsync("mixed.example", 443, Ct).AsTask()
        );
        Assert.Empty(world.Dialed);
    }

    [Fact]
    public async Task A_name_that_resolves_differently_after_the_check_is_not_asked_again()
    {
        var world = new World { Answers = time => time == 1 ? ["1.1.1.1"] : ["127.0.0.1"] };
        await world.Guard.ConnectAsync("rebinds.example", 443, Ct);
        Assert.Equal(1, world.Resolved);
        Assert.Equal("1.1.1.1:443", world.Dialed.Single().ToString());

        await Assert.ThrowsAsync<EgressRefusedException>(() =>
            world.Guard.ConnectAsync("rebinds.example", 443, Ct).AsTask()
        );
        Assert.Single(world.Dialed);
    }

    [Fact]
    public async Task The_next_address_is_tried_when_one_accepts_no_connection()
    {
        var world = new World { Answers = _ => ["1.1.1.1", "8.8.8.8"], Dead = "1.1.1.1" };
        await world.Guard.ConnectAsync("two.example", 443, Ct);
        Assert.Equal(["1.1.1.1:443", "8.8.8.8:443"], world.Dialed.Select(address => address.ToString()));
    }

    [Fact]
    public async Task A_redirect_is_not_followed()
    {
        var world = new World
        {
            Answers = _ => ["1.1.1.1"],
            Answer = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/latest/meta-data\r\nContent-Length: 0\r\n\r\n",
        };
        using var client = new HttpMessageInvoker(world.Guard.NewHandler());
        using var request = new HttpRequestMessage(HttpMethod.Get, "http://api.example/");
        using var response = await client.SendAsync(request, Ct);
        Assert.Equal(HttpStatusCode.Found, response.StatusCode);
        Assert.Single(world.Dialed);
    }

    private static async Task RefusedAsync(Func<Task> send)
    {
        var failed = await Assert.ThrowsAsync<HttpRequestException>(send);
        Assert.IsType<EgressRefusedException>(failed.InnerException);
    }

    /// <summary>Scripted names and connections.</summary>
    private sealed class World
    {
        public World()
        {
            Guard = new EgressGuard([], ResolveAsync, ConnectAsync);
        }

        public EgressGuard Guard { get; }

        /// <summary>The addresses of any name, by the number of the question.</summary>
        public Func<int, string[]> Answers { get; init; } = _ => throw new InvalidOperationException("Not asked for.");

        public string? Dead { get; init; }

        public string Answer { get; init; } = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

        public int Resolved { get; private set; }

        public List<IPEndPoint> Dialed { get; } = [];

        private Task<IPAddress[]> ResolveAsync(string host, CancellationToken cancellationToken) =>
            Task.FromResult(Array.ConvertAll(Answers(++Resolved), IPAddress.Parse));

        private ValueTask<Stream> ConnectAsync(IPEndPoint endpoint, CancellationToken cancellationToken)
        {
            Dialed.Add(endpoint);
            return endpoint.Address.ToString() == Dead
                ? throw new SocketException((int)SocketError.ConnectionRefused)
                : ValueTask.FromResult<Stream>(new ScriptedStream(Answer));
        }
    }

    /// <summary>A connection that takes everything and gives one answer.</summary>
    private sealed class ScriptedStream(string answer) : MemoryStream(System.Text.Encoding.ASCII.GetBytes(answer))
    {
        public override bool CanWrite => true;

        public override void Write(byte[] buffer, int offset, int count) { }

        public override ValueTask WriteAsync(
            ReadOnlyMemory<byte> buffer,
            CancellationToken cancellationToken = default
        ) => ValueTask.CompletedTask;
    }
}
