using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace Scheduler.VendorServers.Kubernetes;

/// <summary><c>GET /quirks</c> shows the switches; <c>POST /quirks</c> with some of them as JSON sets these.</summary>
internal static class QuirkPage
{
    internal static async Task AnswerAsync(HttpContext context, KubernetesQuirks quirks)
    {
        if (HttpMethods.IsPost(context.Request.Method))
        {
            using var given = await JsonDocument.ParseAsync(context.Request.Body, default, context.RequestAborted);
            foreach (var member in given.RootElement.EnumerateObject())
            {
                var property = typeof(KubernetesQuirks).GetProperty(member.Name);
                if (property is null)
                {
                    context.Response.StatusCode = StatusCodes.Status400BadRequest;
                    await context.Response.WriteAsync(
                        $"No quirk has the name {member.Name}.\n",
                        context.RequestAborted
                    );
                    return;
                }

                property.SetValue(quirks, member.Value.Deserialize(property.PropertyType));
            }
        }

        await context.Response.WriteAsJsonAsync(quirks, JsonSerializerOptions.Default, context.RequestAborted);
    }
}
