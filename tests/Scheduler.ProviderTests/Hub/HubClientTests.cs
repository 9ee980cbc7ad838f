using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Scheduler.Domain.Models;
using Scheduler.ModelFit;
using Scheduler.Providers.Hub;
using Scheduler.TestKit;
using Scheduler.VendorServers;
using Scheduler.VendorServers.HuggingFace;
using Xunit;

namespace Scheduler.ProviderTests.Hub;

public sealed class HubClientTests : IAsyncLifetime
{
    private const string Config = """{"model_type":"llama"}""";
    private const long Gibibyte = 1L << 30;

    private readonly HuggingFaceServer _server = new();
    private readonly FakeTimeProvider _clock = new();
    private WebApplication _app = null!;
    private ServiceProvider _services = null!;
    private IModelHub _hub = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _app = await VendorProgram.StartAsync(_server, cancellationToken: Ct);
        var settings = new Dictionary<string, string?> { ["Hub:BaseUrl"] = VendorProgram.AddressOf(_app).ToString() };
        _services = new ServiceCollection()
            .AddSingleton<TimeProvider>(_clock)
            .AddModelHub(new ConfigurationBuilder().AddInMemoryCollection(settings).Build())
            .BuildServiceProvider();
        _hub = _services.GetRequiredService<IModelHub>();
    }

    public async ValueTask DisposeAsync()
    {
        await _services.DisposeAsync();
        await _app.DisposeAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_model_of_one_gibibyte_is_read_by_its_header(bool ignoresRanges)
    {
        _server.IgnoresRanges = ignoresRanges;
        var header = HubRepository.Safetensors("model.embed_tokens.weight", 1_000, 64);
        _server.Add(
            new HubRepository("a/m") { License = "mit" }
                .With("config.json", Config)
                .With("model.safetensors", header, Gibibyte)
        );

        var files = await ReadAsync("a/m");

        Assert.Equal("0123456789abcdef0123456789abcdef01234567", files.Commit);
        Assert.Equal("mit", files.License);
        Assert.Equal(Config, Encoding.UTF8.GetString(files.ConfigJson!));
        Assert.Equal(header, Assert.Single(files.WeightsHeaders));
    }

    [Fact]
    public async Task An_index_replaces_the_headers()
    {
        _server.Add(
            new HubRepository("a/m")
                .With("config.json", Config)
                .With("hf_quant_config.json", "{}")
                .With("model.safetensors.index.json", """{"metadata":{"total_size":5}}""")
                .With("model-00001-of-00002.safetensors", "x")
        );

        var files = await ReadAsync("a/m", revision: "main");

        Assert.Equal("""{"metadata":{"total_size":5}}""", Encoding.UTF8.GetString(files.WeightsIndex!));
        Assert.Equal("{}", Encoding.UTF8.GetString(files.QuantizationJson!));
        Assert.Empty(files.WeightsHeaders);
        Assert.DoesNotContain(_server.Calls, call => call.Path.EndsWith(".safetensors", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_gguf_header_longer_than_the_first_read_is_read_to_its_end()
    {
        var gguf = WithLongVocabulary(
            await File.ReadAllBytesAsync(Repository.Path("tests/Scheduler.Fuzz/Corpus/gguf/llama.gguf"), Ct)
        );
        _server.Add(new HubRepository("a/g").With("m-Q4_K_M.gguf", gguf, Gibibyte).With("m-Q8_0.gguf", gguf, Gibibyte));

        var files = await ReadAsync("a/g", file: "Q4_K_M");

        Assert.Equal("Q4_K_M", files.Quantization);
        Assert.True(files.GgufHeader!.Length >= gguf.Length);
        Assert.Null(GgufHeader.Parse("a/g", files.GgufHeader).Refusal);
        Assert.Null(files.ConfigJson);
    }

    [Fact]
    public async Task INV_13_the_token_reaches_the_hub_and_not_the_store_of_its_files()
    {
        _server.Add(new HubRepository("a/m") { IsGated = true, Token = "hf_valid" }.With("config.json", Config));

        await ReadAsync("a/m", token: "hf_valid");

        Assert.All(
            _server.Calls,
            call =>
                Assert.Equal(call.Path.StartsWith("/store/", StringComparison.Ordinal) ? null : "hf_valid", call.Token)
        );
        Assert.Contains(_server.Calls, call => call.Path.StartsWith("/store/", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("a/none", null, null, HubCause.RepositoryMissing)]
    [InlineData("a/private", null, null, HubCause.RepositoryMissing)]
    [InlineData("a/private", null, "hf_wrong", HubCause.TokenRefused)]
    [InlineData("a/gated", null, null, HubCause.Gated)]
    [InlineData("a/gated", "v9", null, HubCause.RevisionMissing)]
    [InlineData("a/disabled", null, null, HubCause.Disabled)]
    [InlineData("a/empty", null, null, HubCause.Unsupported)]
    public async Task Each_refusal_has_its_cause(string repository, string? revision, string? token, HubCause cause)
    {
        _server
            .Add(new HubRepository("a/private") { IsPrivate = true, Token = "hf_valid" }.With("config.json", Config))
            .Add(new HubRepository("a/gated") { IsGated = true, Token = "hf_other" }.With("config.json", Config))
            .Add(new HubRepository("a/disabled") { IsDisabled = true }.With("config.json", Config))
            .Add(new HubRepository("a/empty").With("README.md", "x"));

        var reading = await _hub.ReadAsync(new HubRequest(repository, revision, null, token), Ct);

        Assert.Null(reading.Files);
        Assert.Equal(cause, reading.Refusal!.Cause);
        Assert.NotEmpty(reading.Refusal.Words);
    }

    [Theory]
    [InlineData(500)]
    [InlineData(429)]
    [InlineData(200)]
    public async Task A_hub_that_answers_anything_else_is_unreachable(int status)
    {
        _server.FailsWith = status;

        var reading = await _hub.ReadAsync(new HubRequest("a/m", null, null, null), Ct);

        Assert.Equal(HubCause.Unreachable, reading.Refusal!.Cause);
    }

    [Fact]
    public async Task A_hub_that_does_not_answer_is_unreachable_after_the_limit()
    {
        await _app.StopAsync(Ct);
        var refused = await _hub.ReadAsync(new HubRequest("a/m", null, null, null), Ct);
        Assert.Equal(HubCause.Unreachable, refused.Refusal!.Cause);

        using var silent = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        silent.Start();
        var settings = new HubOptions { BaseUrl = $"http://{silent.LocalEndpoint}" };
        var hub = new HubClient(_services.GetRequiredService<IHttpClientFactory>(), settings, _clock);
        var waiting = hub.ReadAsync(new HubRequest("a/m", null, null, null), Ct);
        _clock.Advance(settings.Timeout);

        Assert.Equal(HubCause.Unreachable, (await waiting).Refusal!.Cause);
    }

    /// <summary>Adds a metadata array of 2 MiB before the others.</summary>
    private static byte[] WithLongVocabulary(byte[] gguf)
    {
        const int Words = 100_000;
        using var file = new MemoryStream();
        using var writer = new BinaryWriter(file);
        writer.Write(gguf.AsSpan(0, 16));
        writer.Write(BitConverter.ToUInt64(gguf, 16) + 1);
        WriteText("tokenizer.ggml.tokens");
        writer.Write(9u); // array
        writer.Write(8u); // of strings
        writer.Write((ulong)Words);
        for (var i = 0; i < Words; i++)
        {
            WriteText("a word of 13.");
        }

        writer.Write(gguf.AsSpan(24));
        return file.ToArray();

        void WriteText(string text)
        {
            writer.Write((ulong)text.Length);
            writer.Write(Encoding.ASCII.GetBytes(text));
        }
    }

    private async Task<HubFiles> ReadAsync(
        string repository,
        string? revision = null,
        string? file = null,
        string? token = null
    )
    {
        var reading = await _hub.ReadAsync(new HubRequest(repository, revision, file, token), Ct);
        return reading.Files ?? throw new InvalidOperationException(reading.Refusal!.ToString());
    }
}
