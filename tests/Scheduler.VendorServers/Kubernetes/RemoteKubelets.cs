using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Scheduler.VendorServers.Kubernetes;

/// <summary>Nodes with GPUs for a real API server: their kubelets are the stand-in's, and serve the logs of containers over HTTPS.</summary>
public sealed class RemoteKubelets : IAsyncDisposable
{
    private static readonly TimeSpan Round = TimeSpan.FromMilliseconds(30);

    private readonly RemoteCluster _cluster;
    private readonly Kubelet _kubelet;
    private readonly PodLogs _logs = new();
    private readonly ConcurrentQueue<string> _errors = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly TimeProvider _clock;
    private WebApplication? _app;
    private Task _running = Task.CompletedTask;

    /// <param name="server">Certificate of the API server.</param>
    public RemoteKubelets(Uri address, string token, X509Certificate2 server, TimeProvider clock)
    {
        _clock = clock;
        _cluster = new RemoteCluster(address, token, server);
        _kubelet = new Kubelet(_cluster, new ClusterEvents(_cluster, clock), Quirks, _logs, new PodAddresses(), clock);
    }

    public KubernetesQuirks Quirks { get; } = new();

    /// <summary>Errors of single rounds; the next round tries again.</summary>
    public IReadOnlyCollection<string> Errors => _errors;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=kubelet", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var now = _clock.GetUtcNow();
        using var made = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        var certificate = X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder
            .WebHost.UseKestrelCore()
            .UseKestrelHttpsConfiguration()
            .ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(certificate)));
        builder.Services.AddRoutingCore();
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        _app = builder.Build();
        _app.MapMethods("/containerLogs/{ns}/{pod}/{container}", ["GET"], (RequestDelegate)LogAsync);
        await _app.StartAsync(cancellationToken);
        _running = RunAsync(_stop.Token);
    }

    /// <summary>Makes a node whose kubelet is this one.</summary>
    public void AddNode(string name, string product, int memoryMib, int gpus, string region)
    {
        var node = StandInNodes.Make(name, StandInNodes.Labels(product, memoryMib, gpus, region), gpus);
        var status = (JsonObject)node["status"]!.DeepClone();
        status["capacity"] = status["allocatable"]!.DeepClone();
        status["addresses"] = new JsonArray(new JsonObject { ["type"] = "InternalIP", ["address"] = "127.0.0.1" });
        status["daemonEndpoints"] = new JsonObject
        {
            ["kubeletEndpoint"] = new JsonObject { ["Port"] = new Uri(_app!.Urls.First()).Port },
        };
        _cluster.Create("nodes", "", node);
        _cluster.Change("nodes", "", name, item => item["status"] = status);
    }

    public void AddNamespace(string name) =>
        _cluster.Create("namespaces", "", new JsonObject { ["metadata"] = new JsonObject { ["name"] = name } });

    /// <summary>Whether the API server answers and has the namespace; it makes its own ones a moment after it is ready.</summary>
    public bool HasNamespace(string name)
    {
        try
        {
            return _cluster.Find("namespaces", "", name) is not null;
        }
        catch (Exception exception) when (exception is ApiError or HttpRequestException)
        {
            return false;
        }
    }

    public IReadOnlyList<JsonObject> All(string resource) => _cluster.List(resource, null).Items;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _kubelet.StopAllAsync();
        if (_app is not null)
        {
            await _app.DisposeAsync();
        }

        _cluster.Dispose();
        _stop.Dispose();
    }

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        await Task.Yield();
        while (true)
        {
            try
            {
                await _kubelet.RoundAsync();
            }
            catch (Exception exception) when (exception is ApiError or HttpRequestException)
            {
                _errors.Enqueue(exception.Message);
            }

            await Task.Delay(Round, _clock, cancellationToken);
        }
    }

    private Task LogAsync(HttpContext context)
    {
        var (ns, name) = ((string)context.GetRouteValue("ns")!, (string)context.GetRouteValue("pod")!);
        var uid = _cluster.Find("pods", ns, name)?.Uid() ?? "";
        int? lines = int.TryParse(context.Request.Query["tailLines"], CultureInfo.InvariantCulture, out var most)
            ? most
            : null;
        return context.Response.WriteAsync(_logs.Tail(uid, lines), context.RequestAborted);
    }
}
