using System.Net;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Scheduler.VendorServers.Kubernetes;

/// <summary>The program of a container: a small OpenAI-compatible server at the pod's own address.</summary>
internal sealed class PodRuntime : IAsyncDisposable
{
    private static readonly string[] KeyVariables =
    [
        "VLLM_API_KEY",
        "API_KEY",
        "LLAMA_API_KEY",
        "SCHEDULER_RUNTIME_KEY",
    ];

    private readonly WebApplication _app;

    private PodRuntime(WebApplication app, string address) => (_app, Address) = (app, address);

    /// <summary>The pod's IP address.</summary>
    internal string Address { get; }

    internal static async Task<PodRuntime> StartAsync(
        JsonObject container,
        List<string> arguments,
        Dictionary<string, string> environment,
        PodAddresses addresses
    )
    {
        var port = int.Parse(
            container.Items("ports").First().Text("containerPort")!,
            System.Globalization.CultureInfo.InvariantCulture
        );
        var key = KeyOf(environment);
        for (var tries = 0; ; tries++)
        {
            var address = addresses.Next();
            var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
            builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(address, port));
            builder.Services.AddRoutingCore();
            builder.Logging.SetMinimumLevel(LogLevel.Critical);
            var app = builder.Build();
            Map(app, key, isReady: !arguments.Contains(PodCommand.NeverReady));
            try
            {
                await app.StartAsync(app.Lifetime.ApplicationStopping);
                return new PodRuntime(app, address.ToString());
            }
            catch (IOException) when (tries < 10)
            {
                // Another test run has the address.
                await app.DisposeAsync();
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
    }

    /// <summary>The key that the program asks for, from the variable of its engine.</summary>
    private static string? KeyOf(Dictionary<string, string> environment) =>
        KeyVariables.Select(name => environment.GetValueOrDefault(name)).FirstOrDefault(value => value is not null);

    private static void Map(WebApplication app, string? key, bool isReady)
    {
        Get(
            app,
            "/health",
            context =>
            {
                context.Response.StatusCode = isReady ? 200 : 503;
                return Task.CompletedTask;
            }
        );
        foreach (var path in (string[])["/v1/chat/completions", "/v1/completions", "/v1/models", "/tokenize"])
        {
            app.MapMethods(path, ["GET", "POST"], (RequestDelegate)(context => AnswerAsync(context, key)));
        }
    }

    private static void Get(WebApplication app, string path, RequestDelegate handle) =>
        app.MapMethods(path, ["GET"], handle);

    private static async Task AnswerAsync(HttpContext context, string? key)
    {
        if (key is not null && context.Request.Headers.Authorization != "Bearer " + key)
        {
            await ApiRoutes.WriteAsync(context, 401, new JsonObject { ["error"] = "Unauthorized" });
            return;
        }

        await ApiRoutes.WriteAsync(
            context,
            200,
            new JsonObject
            {
                ["id"] = "chatcmpl-1",
                ["object"] = "chat.completion",
                ["created"] = 1_700_000_000,
                ["model"] = "stand-in",
                ["choices"] = new JsonArray(
                    new JsonObject
                    {
                        ["index"] = 0,
                        ["finish_reason"] = "stop",
                        ["message"] = new JsonObject { ["role"] = "assistant", ["content"] = "Hello from a pod." },
                    }
                ),
                ["usage"] = new JsonObject
                {
                    ["prompt_tokens"] = 1,
                    ["completion_tokens"] = 5,
                    ["total_tokens"] = 6,
                },
                ["count"] = 1,
                ["tokens"] = new JsonArray(1),
                ["max_model_len"] = 4096,
            }
        );
    }
}

/// <summary>Addresses of pods: each has its own one of this host's loopback range.</summary>
internal sealed class PodAddresses
{
    private static int _last;

    /// <summary>Differs between processes that run at the same time, as far as one byte can.</summary>
    private readonly byte _second = (byte)(64 + (Environment.ProcessId % 190));

    internal IPAddress Next()
    {
        var number = Interlocked.Increment(ref _last) % 64_000;
        return new IPAddress([127, _second, (byte)(number / 254), (byte)((number % 254) + 1)]);
    }
}
