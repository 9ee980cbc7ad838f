using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace Scheduler.VendorServers.Docker;

/// <summary>The JSON and the log frames of containers.</summary>
internal static class DockerShapes
{
    private const string NoTime = "0001-01-01T00:00:00Z";

    internal static JsonObject Listed(PlayedContainer container) =>
        new()
        {
            ["Id"] = container.Id,
            ["Names"] = new JsonArray("/" + container.Name),
            ["Image"] = container.Image,
            ["Created"] = container.Created.ToUnixTimeSeconds(),
            ["State"] = container.Status,
            ["Status"] = container.Status,
            ["Labels"] = LabelsOf(container),
            ["Ports"] = new JsonArray(),
        };

    internal static JsonObject Inspected(PlayedContainer container) =>
        new()
        {
            ["Id"] = container.Id,
            ["Name"] = "/" + container.Name,
            ["Created"] = Time(container.Created),
            ["State"] = new JsonObject
            {
                ["Status"] = container.Status,
                ["Running"] = container.IsRunning,
                ["Paused"] = false,
                ["Restarting"] = false,
                ["OOMKilled"] = container.OomKilled,
                ["Dead"] = false,
                ["Pid"] = container.IsRunning ? 4242 : 0,
                ["ExitCode"] = container.ExitCode,
                ["Error"] = container.Error,
                ["StartedAt"] = container.StartedAt is { } started ? Time(started) : NoTime,
                ["FinishedAt"] = container.FinishedAt is { } finished ? Time(finished) : NoTime,
            },
            ["Config"] = new JsonObject
            {
                ["Labels"] = LabelsOf(container),
                ["Image"] = container.Image,
                ["Tty"] = false,
                ["Env"] = container.Body["Env"]?.DeepClone(),
            },
            ["HostConfig"] = container.Body["HostConfig"]?.DeepClone(),
            ["NetworkSettings"] = new JsonObject { ["Ports"] = PortsOf(container) },
        };

    /// <summary>Output as frames; a terminal would have none.</summary>
    internal static async Task WriteLogsAsync(HttpContext context, PlayedContainer container)
    {
        var isNew = string.CompareOrdinal(context.Response.Headers["Api-Version"], "1.42") >= 0;
        context.Response.ContentType = isNew
            ? "application/vnd.docker.multiplexed-stream"
            : "application/vnd.docker.raw-stream";
        var tail = int.TryParse(context.Request.Query["tail"], CultureInfo.InvariantCulture, out var n)
            ? n
            : int.MaxValue;
        foreach (var (stream, line) in container.Output.TakeLast(tail))
        {
            var text = Encoding.UTF8.GetBytes(line);
            var header = new byte[8];
            header[0] = stream;
            BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(4), (uint)text.Length);
            await context.Response.Body.WriteAsync(header, context.RequestAborted);
            await context.Response.Body.WriteAsync(text, context.RequestAborted);
        }
    }

    /// <param name="filter"><c>name</c> or <c>name=value</c>.</param>
    internal static bool HasLabel(IReadOnlyDictionary<string, string> labels, string filter)
    {
        var parts = filter.Split('=', 2);
        return labels.TryGetValue(parts[0], out var value) && (parts.Length == 1 || value == parts[1]);
    }

    internal static bool HasAttribute(JsonObject attributes, string filter) =>
        HasLabel(attributes.ToDictionary(pair => pair.Key, pair => pair.Value!.GetValue<string>()), filter);

    private static JsonObject LabelsOf(PlayedContainer container) =>
        new([
            .. container.Labels.Select(label =>
                KeyValuePair.Create(label.Key, (JsonNode?)JsonValue.Create(label.Value))
            ),
        ]);

    private static JsonObject PortsOf(PlayedContainer container)
    {
        var ports = new JsonObject();
        foreach (var (port, _) in container.Body["ExposedPorts"] as JsonObject ?? [])
        {
            // A runtime that does not listen yet has a published port all the same.
            ports[port] = container.IsRunning
                ? new JsonArray(
                    new JsonObject
                    {
                        ["HostIp"] = "127.0.0.1",
                        ["HostPort"] = (container.Runtime?.Port ?? 1).ToString(CultureInfo.InvariantCulture),
                    }
                )
                : null;
        }

        return ports;
    }

    private static string Time(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'00Z'", CultureInfo.InvariantCulture);
}
