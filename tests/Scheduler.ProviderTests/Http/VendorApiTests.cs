using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Scheduler.Providers.Http;
using Scheduler.VendorServers;
using Xunit;

namespace Scheduler.ProviderTests.Http;

/// <summary>How calls are sent: what is repeated, what is not, what a refused key does, what an error says.</summary>
public sealed class VendorApiTests : IDisposable, IVendorCloud
{
    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 11, 30, 12, 0, 0, TimeSpan.Zero));
    private readonly Queue<Func<VendorReply>> _replies = new();
    private readonly List<VendorRequest> _seen = [];
    private readonly string _keyFile = Path.GetTempFileName();
    private readonly TestVendorOptions _options;

    public VendorApiTests()
    {
        File.WriteAllText(_keyFile, "key-one\n");
        _options = new TestVendorOptions { BaseUrl = "https://vendor.test/v2", ApiKeyFile = _keyFile };
    }

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => File.Delete(_keyFile);

    [Fact]
    public async Task A_read_is_repeated_after_a_lost_connection_and_server_errors()
    {
        Reply(() => throw new HttpRequestException("lost"));
        Reply(() => VendorReply.Text(503, "try again"));
        Reply(() => VendorReply.Text(200, "[]"));
        using var api = Api();

        var answer = await EndOf(api.ReadAsync(VendorCall.Get("pods?x=1"), Ct));

        Assert.Equal(200, answer.Status);
        Assert.Equal(3, _seen.Count);
        Assert.All(_seen, request => Assert.Equal(("/v2/pods", "key-one"), (request.Path, request.Bearer)));
    }

    [Fact]
    public async Task A_read_that_keeps_failing_returns_the_last_answer_or_throws()
    {
        Enumerable.Range(0, 3).ToList().ForEach(_ => Reply(() => VendorReply.Text(500, "broken")));
        Enumerable.Range(0, 3).ToList().ForEach(_ => Reply(() => throw new HttpRequestException("lost")));
        using var api = Api();

        var answer = await EndOf(api.ReadAsync(VendorCall.Get("pods"), Ct));
        Assert.Equal("fake answered GET /pods with 500: broken", answer.Failure().Message);
        await Assert.ThrowsAsync<VendorException>(() => EndOf(api.ReadAsync(VendorCall.Get("pods"), Ct)));
        Assert.Equal(6, _seen.Count);
    }

    [Theory]
    [InlineData(500)]
    [InlineData(429)]
    [InlineData(0)]
    public async Task A_create_is_sent_once_whatever_happens(int status)
    {
        Reply(() => status == 0 ? throw new HttpRequestException("lost") : VendorReply.Text(status, "no"));
        using var api = Api();

        var answer = await Record.ExceptionAsync(async () =>
            Assert.Equal(status, (await api.SendOnceAsync(Create, Ct)).Status)
        );

        Assert.Equal(status == 0, answer is VendorException and not VendorNotAskedException);
        Assert.Single(_seen);
    }

    [Fact]
    public async Task A_connection_that_was_refused_sent_nothing()
    {
        var services = new ServiceCollection();
        services.AddVendorHttp("fake");
        await using var provider = services.BuildServiceProvider();
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        _options.BaseUrl = $"http://{listener.LocalEndpoint}/";
        listener.Stop();
        using var api = Api(provider.GetRequiredService<IHttpClientFactory>());

        await Assert.ThrowsAsync<VendorNotAskedException>(() => api.SendOnceAsync(Create, Ct));
    }

    [Fact]
    public async Task A_server_that_reads_a_create_and_hangs_up_gets_it_once()
    {
        var services = new ServiceCollection();
        services.AddVendorHttp("fake");
        await using var provider = services.BuildServiceProvider();
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        _options.BaseUrl = $"http://{listener.LocalEndpoint}/";
        using var api = Api(provider.GetRequiredService<IHttpClientFactory>());
        var connections = 0;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var serving = Task.Run(
            async () =>
            {
                while (!stop.IsCancellationRequested)
                {
                    using var connection = await listener.AcceptTcpClientAsync(stop.Token);
                    connections++;
                    // The first exchange is whole and the connection stays open; the second one ends without an answer.
                    await AnswerAsync(connection, connections == 1, stop.Token);
                }
            },
            Ct
        );

        Assert.Equal(201, (await api.SendOnceAsync(Create, Ct)).Status);
        await Assert.ThrowsAsync<VendorException>(() => api.SendOnceAsync(Create, Ct));

        Assert.Equal(2, connections);
        await stop.CancelAsync();
        await Record.ExceptionAsync(() => serving);
    }

    [Fact]
    public async Task A_refused_key_is_not_sent_again_until_it_changes()
    {
        Reply(() => VendorReply.Json(401, new JsonObject { ["detail"] = "invalid key-one" }));
        Reply(() => VendorReply.Text(200, "[]"));
        using var api = Api();

        var first = await Assert.ThrowsAsync<CredentialRefusedException>(() => api.ReadAsync(Read, Ct));
        await Assert.ThrowsAsync<CredentialRefusedException>(() => api.SendOnceAsync(Create, Ct));
        await File.WriteAllTextAsync(_keyFile, "key-two", Ct);

        Assert.Equal(200, (await api.ReadAsync(Read, Ct)).Status);
        Assert.Equal(
            $"fake refuses the API key in the file {_keyFile}; put a valid one there. It says: invalid [secret]",
            first.Message
        );
        Assert.Equal(["key-one", "key-two"], _seen.Select(request => request.Bearer));
    }

    [Fact]
    public async Task A_refused_key_is_tried_again_after_a_minute()
    {
        Reply(() => VendorReply.Text(401, "no"));
        Reply(() => VendorReply.Text(200, "[]"));
        using var api = Api();
        await Assert.ThrowsAsync<CredentialRefusedException>(() => api.ReadAsync(Read, Ct));
        _clock.Advance(TimeSpan.FromSeconds(61));

        Assert.Equal(200, (await api.ReadAsync(Read, Ct)).Status);
    }

    [Theory]
    [InlineData("")]
    [InlineData("  \n")]
    [InlineData("two\nlines")]
    public async Task A_file_without_a_key_is_a_refused_credential_and_no_call(string content)
    {
        await File.WriteAllTextAsync(_keyFile, content, Ct);
        using var api = Api();

        await Assert.ThrowsAsync<CredentialRefusedException>(() => api.ReadAsync(Read, Ct));
        File.Delete(_keyFile);
        await Assert.ThrowsAsync<CredentialRefusedException>(() => api.ReadAsync(Read, Ct));
        Assert.Empty(_seen);
    }

    [Fact]
    public async Task An_answer_that_is_too_long_is_refused()
    {
        Enumerable.Range(0, 3).ToList().ForEach(_ => Reply(() => VendorReply.Text(200, new string(' ', 17 << 20))));
        using var api = Api();

        var fault = await Assert.ThrowsAsync<VendorException>(() => EndOf(api.ReadAsync(Read, Ct)));

        Assert.Equal("An answer of fake is longer than 16 MiB", fault.Message);
    }

    [Theory]
    [InlineData(
        """{"title":"Bad Request","status":400,"detail":"no stock","errors":["a","b"]}""",
        null,
        "no stock: a; b"
    )]
    [InlineData(
        """{"error":{"code":"global/quota-exceeded","message":"Too many.","suggestion":"Ask us."}}""",
        "global/quota-exceeded",
        "Too many. Ask us."
    )]
    [InlineData("""{"success":false,"error":"invalid_args","msg":"no_such_ask 7"}""", "invalid_args", "no_such_ask 7")]
    [InlineData("""{"error":"OUT_OF_STOCK"}""", "OUT_OF_STOCK", "OUT_OF_STOCK")]
    [InlineData("plain words\r\nhf_aaaaaaaaaaaaaaaa and key-one", null, "plain words  [secret] and [secret]")]
    [InlineData("", null, "HTTP 400 without a message")]
    [InlineData("{}", null, "HTTP 400 without a message")]
    [InlineData("[1]", null, "[1]")]
    public void Errors_of_all_shapes_are_read(string body, string? code, string words)
    {
        var error = new VendorAnswer("fake", "GET /x", 400, Encoding.UTF8.GetBytes(body), "key-one").Error;

        Assert.Equal((code, words), (error.Code, error.Words));
    }

    [Fact]
    public void Words_are_cut()
    {
        var error = VendorError.Read(400, new string('x', 5000), null);

        Assert.Equal(VendorWords.MaxChars, error.Words.Length);
    }

    [Fact]
    public async Task Pages_are_read_to_the_end_and_a_page_that_repeats_is_an_error()
    {
        var all = await Paging.ReadAllAsync<int>(
            "fake",
            cursor => Task.FromResult<(IReadOnlyList<int>, string?)>(cursor is null ? ([1, 2], "b") : ([3], null))
        );

        Assert.Equal([1, 2, 3], all);
        await Assert.ThrowsAsync<VendorException>(() =>
            Paging.ReadAllAsync<int>("fake", _ => Task.FromResult<(IReadOnlyList<int>, string?)>(([1], "a")))
        );
    }

    public Task<VendorReply> AnswerAsync(VendorRequest request, CancellationToken cancellationToken)
    {
        _seen.Add(request);
        return Task.FromResult(_replies.Dequeue()());
    }

    private static VendorCall Read { get; } = VendorCall.Get("pods");

    private static VendorCall Create { get; } =
        new(HttpMethod.Post, "pods", CallKind.Create, new JsonObject { ["name"] = "n" });

    private void Reply(Func<VendorReply> reply) => _replies.Enqueue(reply);

    private VendorApi Api(IHttpClientFactory? http = null) =>
        new("fake", _options, new RateLimits(), http ?? new InMemoryVendor(this), _clock);

    private async Task<T> EndOf<T>(Task<T> task)
    {
        for (var i = 0; !task.IsCompleted; i++)
        {
            Assert.True(i < 2000, "It never ended.");
            await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, Ct);
            _clock.Advance(TimeSpan.FromMilliseconds(500));
        }

        return await task;
    }

    private static async Task AnswerAsync(TcpClient connection, bool isWhole, CancellationToken cancellationToken)
    {
        var stream = connection.GetStream();
        var buffer = new byte[4096];
        var request = "";
        while (!request.EndsWith('}'))
        {
            request += Encoding.UTF8.GetString(buffer, 0, await stream.ReadAsync(buffer, cancellationToken));
        }

        if (isWhole)
        {
            await stream.WriteAsync(
                "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}"u8.ToArray(),
                cancellationToken
            );
        }
    }
}
