using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;

namespace Scheduler.VendorServers;

public static class VendorCloudMapping
{
    /// <summary>Answers every request to the server with the cloud.</summary>
    public static void MapCloud(this WebApplication app, IVendorCloud cloud) =>
        app.Run(async context =>
        {
            using var reader = new StreamReader(context.Request.Body, Encoding.UTF8);
            var request = new VendorRequest(
                context.Request.Method,
                context.Request.Path.Value ?? "/",
                QueryHelpers.ParseQuery(context.Request.QueryString.Value),
                context.Request.Headers.ToDictionary(
                    header => header.Key,
                    header => header.Value.ToString(),
                    StringComparer.OrdinalIgnoreCase
                ),
                await reader.ReadToEndAsync(context.RequestAborted)
            );
            await WriteAsync(context, await cloud.AnswerAsync(request, context.RequestAborted));
        });

    private static async Task WriteAsync(HttpContext context, VendorReply reply)
    {
        context.Response.StatusCode = reply.Status;
        foreach (var (name, value) in reply.Headers)
        {
            context.Response.Headers[name] = value;
        }

        if (reply.Body.Length > 0 || reply.StaysOpen)
        {
            context.Response.ContentType = reply.ContentType;
            await context.Response.WriteAsync(reply.Body, context.RequestAborted);
        }

        if (reply.StaysOpen)
        {
            await context.Response.Body.FlushAsync(context.RequestAborted);
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted);
        }
    }
}
