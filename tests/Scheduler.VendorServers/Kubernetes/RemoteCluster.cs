using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;

namespace Scheduler.VendorServers.Kubernetes;

/// <summary>The objects of a real API server. Kubelets change only the status of pods, and delete pods that have ended.</summary>
internal sealed class RemoteCluster : ICluster, IDisposable
{
    private readonly HttpClient _http;

    /// <param name="server">The server's own certificate: it made it itself, so no authority vouches for it.</param>
    internal RemoteCluster(Uri address, string token, X509Certificate2 server)
    {
        var handler = new SocketsHttpHandler();
        handler.SslOptions.RemoteCertificateValidationCallback = (_, seen, _, _) =>
            seen is not null && seen.GetRawCertData().AsSpan().SequenceEqual(server.RawDataMemory.Span);
        _http = new HttpClient(handler) { BaseAddress = address };
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
    }

    public (List<JsonObject> Items, long Version) List(string resource, string? ns)
    {
        var list = Call(HttpMethod.Get, PathOf(resource, ns ?? ""), null)!;
        return ([.. list.Items("items").Select(item => (JsonObject)item.DeepClone())], 0);
    }

    public JsonObject? Find(string resource, string ns, string name) =>
        Call(HttpMethod.Get, $"{PathOf(resource, ns)}/{name}", null);

    public JsonObject Create(string resource, string ns, JsonObject given) =>
        Call(HttpMethod.Post, PathOf(resource, ns), given) ?? throw ApiError.NotFound("namespaces", ns);

    public JsonObject? Change(string resource, string ns, string name, Action<JsonObject> change)
    {
        if (Find(resource, ns, name) is not { } item)
        {
            return null;
        }

        change(item);
        var hasStatus = resource is "pods" or "nodes";
        var patch = hasStatus
            ? new JsonObject { ["status"] = item["status"]?.DeepClone() }
            : new JsonObject
            {
                ["count"] = item["count"]?.DeepClone(),
                ["lastTimestamp"] = item["lastTimestamp"]?.DeepClone(),
            };
        return Call(HttpMethod.Patch, $"{PathOf(resource, ns)}/{name}{(hasStatus ? "/status" : "")}", patch);
    }

    public void Remove(string resource, string ns, string name) =>
        Call(HttpMethod.Delete, $"{PathOf(resource, ns)}/{name}", new JsonObject { ["gracePeriodSeconds"] = 0 });

    public void Dispose() => _http.Dispose();

    /// <returns>Null if there is no such object.</returns>
    private JsonObject? Call(HttpMethod method, string path, JsonObject? body)
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
        {
            var type = method == HttpMethod.Patch ? "application/merge-patch+json" : "application/json";
            request.Content = new StringContent(body.ToJsonString(), Encoding.UTF8, type);
        }

        using var answer = _http.Send(request);
        using var reader = new StreamReader(answer.Content.ReadAsStream());
        var text = reader.ReadToEnd();
        return answer.StatusCode == HttpStatusCode.NotFound ? null
            : answer.IsSuccessStatusCode ? JsonNode.Parse(text) as JsonObject
            : throw new ApiError((int)answer.StatusCode, "Remote", $"{method} {path}: {text}");
    }

    private static string PathOf(string resource, string ns) =>
        ns.Length == 0 ? $"api/v1/{resource}" : $"api/v1/namespaces/{ns}/{resource}";
}
