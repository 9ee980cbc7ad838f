using System.Net;
using System.Text;
using System.Text.Json;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Scheduler.Api;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Keys;
using Scheduler.Edge.Limits;
using Scheduler.Grains;
using Scheduler.Grains.Keys;
using Scheduler.UnitTests.Edge.Limits;
using Xunit;

namespace Scheduler.UnitTests.Api;

/// <summary>The real API on two real ports, in front of fake grains.</summary>
public sealed class ApiFixture : IAsyncLifetime
{
    private WebApplication _app = null!;

    /// <summary>Settings of the section <c>Api</c>.</summary>
    public IReadOnlyDictionary<string, int> Settings { get; init; } = new Dictionary<string, int>();

    public IReadOnlyList<string> AllowedHosts { get; init; } = [];

    public bool HasReflection { get; init; } = true;

    public TimeProvider Clock { get; init; } = TimeProvider.System;

    internal FakeCluster Cluster { get; } = new();

    public HttpClient Http { get; private set; } = null!;

    public GrpcChannel Grpc { get; private set; } = null!;

    public string Operator { get; private set; } = "";

    public string KeyOfA { get; private set; } = "";

    public string KeyOfB { get; private set; } = "";

    internal MemoryBudget Memory => _app.Services.GetRequiredService<MemoryBudget>();

    internal KeyAuthority Authority => _app.Services.GetRequiredService<KeyAuthority>();

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, 0, o => o.Protocols = HttpProtocols.Http1);
            kestrel.Listen(IPAddress.Loopback, 0, o => o.Protocols = HttpProtocols.Http2);
        });
        builder.Services.AddSingleton<IGrainFactory>(Cluster);
        builder.Services.AddSingleton(Clock);
        builder.Services.AddSingleton<IFullCollections, QuickCollections>();
        builder.Configuration.AddInMemoryCollection(
            Settings
                .Select(setting => KeyValuePair.Create($"Api:{setting.Key}", (string?)$"{setting.Value}"))
                .Concat(AllowedHosts.Select((host, i) => KeyValuePair.Create($"Api:AllowedHosts:{i}", (string?)host)))
                .Append(KeyValuePair.Create("Api:Reflection", (string?)$"{HasReflection}"))
        );
        builder.Services.AddApi(builder.Configuration);
        _app = builder.Build();
        _app.MapApi();
        await _app.StartAsync(TestContext.Current.CancellationToken);
        var urls = _app.Urls.ToList();
        Http = new HttpClient(new SocketsHttpHandler()) { BaseAddress = new Uri(urls[0]) };
        Grpc = GrpcChannel.ForAddress(urls[1]);
        Operator = await KeyAsync(null);
        KeyOfA = await KeyAsync(new AccountId("acct-a"));
        KeyOfB = await KeyAsync(new AccountId("acct-b"));
        foreach (var account in new[] { "acct-a", "acct-b" })
        {
            await Cluster
                .Account(new AccountId(account))
                .CreateAsync(new("", TimeSpan.Zero), new(default, "test", null));
        }
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        Grpc.Dispose();
        await _app.DisposeAsync();
    }

    public async Task<string> KeyAsync(AccountId? account, KeyRole role = KeyRole.Full)
    {
        var token = KeyAuthority.NewToken();
        await Cluster
            .Key(token.KeyId)
            .CreateAsync(new CreateKey(account, "", KeyAuthority.Fingerprint(token), role), new(default, "test", null));
        return token.Reveal();
    }

    internal static string KeyIdOf(string token) => KeyToken.TryParse(token, out var parsed) ? parsed.KeyId : "";

    public async Task<HttpAnswer> SendAsync(
        string verb,
        string path,
        string? key = null,
        string? body = null,
        string mediaType = "application/json",
        params (string Name, string Value)[] headers
    )
    {
        using var request = new HttpRequestMessage(new HttpMethod(verb), path);
        if (key is not null)
        {
            request.Headers.TryAddWithoutValidation("Authorization", key.StartsWith("sk-") ? $"Bearer {key}" : key);
        }

        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        if (body is not null)
        {
            request.Content = new StringContent(body, Encoding.UTF8, mediaType);
        }

        using var response = await Http.SendAsync(request, TestContext.Current.CancellationToken);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        return new HttpAnswer(
            (int)response.StatusCode,
            response.Headers.TryGetValues("X-Request-Id", out var ids) ? string.Join(',', ids) : "",
            response.Headers.TryGetValues("X-Correlation-Id", out var own) ? string.Join(',', own) : "",
            text
        )
        {
            Headers = response.Headers.ToDictionary(
                header => header.Key,
                header => string.Join(',', header.Value),
                StringComparer.OrdinalIgnoreCase
            ),
        };
    }

    public static Metadata Headers(string? key) =>
        key is null ? [] : new Metadata { { "authorization", $"Bearer {key}" } };
}

public sealed record HttpAnswer(int Status, string RequestId, string CorrelationId, string Text)
{
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();

    public JsonElement Json => JsonDocument.Parse(Text).RootElement;

    public string Reason => Detail("google.rpc.ErrorInfo")?.GetProperty("reason").GetString() ?? "";

    public IReadOnlyDictionary<string, string> Metadata =>
        Detail("google.rpc.ErrorInfo")!
            .Value.GetProperty("metadata")
            .EnumerateObject()
            .ToDictionary(p => p.Name, p => p.Value.GetString()!);

    public IReadOnlyList<string> Fields =>
        Detail("google.rpc.BadRequest")
            ?.GetProperty("fieldViolations")
            .EnumerateArray()
            .Select(v => v.GetProperty("field").GetString()!)
            .ToList()
        ?? [];

    public JsonElement? Detail(string type) =>
        Json.TryGetProperty("details", out var details)
            ? details
                .EnumerateArray()
                .Cast<JsonElement?>()
                .FirstOrDefault(d => d!.Value.GetProperty("@type").GetString()!.EndsWith(type))
            : null;
}
