using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace Scheduler.VendorServers.Kubernetes;

/// <summary>Serves one watch: a line of JSON for each change after a version, and bookmarks between them.</summary>
internal sealed class ApiWatch(ApiStore store, KubernetesQuirks quirks, TimeProvider clock)
{
    internal async Task ServeAsync(HttpContext context, string resource, string? ns)
    {
        var query = context.Request.Query;
        var seconds = int.TryParse(query["timeoutSeconds"], CultureInfo.InvariantCulture, out var asked)
            ? asked
            : 1_800;
        using var over = new CancellationTokenSource(TimeSpan.FromSeconds(seconds), clock);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(over.Token, context.RequestAborted);
        var version = long.TryParse(query["resourceVersion"], CultureInfo.InvariantCulture, out var given)
            ? given
            : store.Version;
        if (!quirks.ExpireByEvent)
        {
            // As a server that knows at once that it cannot serve the version.
            store.ChangesAfter(resource, version);
        }

        context.Response.ContentType = "application/json";
        await context.Response.StartAsync(context.RequestAborted);
        try
        {
            await SendAsync(context, resource, ns, version, stop.Token);
        }
        catch (OperationCanceledException) when (over.IsCancellationRequested)
        {
            // The time of the watch is over: the stream ends.
        }
    }

    private async Task SendAsync(
        HttpContext context,
        string resource,
        string? ns,
        long from,
        CancellationToken cancellationToken
    )
    {
        var query = context.Request.Query;
        var (version, sent) = (from, 0);
        while (true)
        {
            var changed = store.Changed;
            List<ApiChange> changes;
            try
            {
                changes = store.ChangesAfter(resource, version);
            }
            catch (ApiError error)
            {
                await LineAsync(context, "ERROR", error.Status(), cancellationToken);
                return;
            }

            foreach (var change in changes)
            {
                version = change.Version;
                var isWanted =
                    (ns is null || change.Namespace == ns)
                    && ApiSelectors.Matches(change.Item, query["labelSelector"], query["fieldSelector"]);
                if (!isWanted || quirks.WatchSilent || IsLost())
                {
                    continue;
                }

                await LineAsync(context, change.Type, change.Item, cancellationToken);
                if (++sent == quirks.WatchCutAfter)
                {
                    return;
                }
            }

            if (await IsQuietAsync(changed, cancellationToken) && !quirks.WatchSilent)
            {
                await LineAsync(context, "BOOKMARK", Bookmark(resource), cancellationToken);
            }
        }
    }

    private bool IsLost()
    {
        lock (quirks)
        {
            return quirks.EventsLost > 0 && quirks.EventsLost-- > 0;
        }
    }

    /// <returns>True if nothing changed until a bookmark is due.</returns>
    private async Task<bool> IsQuietAsync(Task changed, CancellationToken cancellationToken)
    {
        using var done = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var bookmark = Task.Delay(quirks.BookmarkEvery, clock, done.Token);
        var first = await Task.WhenAny(changed, bookmark);
        await done.CancelAsync();
        cancellationToken.ThrowIfCancellationRequested();
        return first == bookmark;
    }

    private JsonObject Bookmark(string resource) =>
        new()
        {
            ["kind"] = resource == "pods" ? "Pod" : "Node",
            ["apiVersion"] = "v1",
            ["metadata"] = new JsonObject
            {
                ["resourceVersion"] = store.Version.ToString(CultureInfo.InvariantCulture),
                ["creationTimestamp"] = null,
            },
        };

    private static async Task LineAsync(
        HttpContext context,
        string type,
        JsonObject item,
        CancellationToken cancellationToken
    )
    {
        var line = new JsonObject { ["type"] = type, ["object"] = item.DeepClone() };
        await context.Response.WriteAsync(line.ToJsonString(JsonSerializerOptions.Default) + "\n", cancellationToken);
        await context.Response.Body.FlushAsync(cancellationToken);
    }
}
