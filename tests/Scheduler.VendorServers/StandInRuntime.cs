using System.Text.Json.Nodes;

namespace Scheduler.VendorServers;

/// <summary>The runtime behind an endpoint of a vendor's server: healthy, and with one answer to every chat.</summary>
public static class StandInRuntime
{
    /// <param name="path">Below the endpoint, with a leading slash.</param>
    /// <param name="key">Key that it asks for; null for one without.</param>
    /// <param name="model">Name that it serves.</param>
    public static VendorReply Answer(VendorRequest request, string path, string? key, string model)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (path == "/health")
        {
            return VendorReply.Json(200, new JsonObject());
        }

        if (key is not null && request.Bearer != key)
        {
            return VendorReply.Json(401, new JsonObject { ["error"] = "Unauthorized" });
        }

        return path switch
        {
            "/v1/models" => VendorReply.Json(
                200,
                new JsonObject
                {
                    ["object"] = "list",
                    ["data"] = new JsonArray(new JsonObject { ["id"] = model, ["object"] = "model" }),
                }
            ),
            "/tokenize" => VendorReply.Json(200, new JsonObject { ["count"] = request.Body.Length / 4 }),
            "/v1/chat/completions" => VendorReply.Json(200, Completion(model)),
            _ => VendorReply.Json(404, new JsonObject { ["detail"] = "Not Found" }),
        };
    }

    private static JsonObject Completion(string model) =>
        new()
        {
            ["id"] = "chatcmpl-1",
            ["object"] = "chat.completion",
            ["created"] = 1,
            ["model"] = model,
            ["choices"] = new JsonArray(
                new JsonObject
                {
                    ["index"] = 0,
                    ["message"] = new JsonObject { ["role"] = "assistant", ["content"] = "Hello from the stand-in." },
                    ["finish_reason"] = "stop",
                }
            ),
            ["usage"] = new JsonObject
            {
                ["prompt_tokens"] = 1,
                ["completion_tokens"] = 6,
                ["total_tokens"] = 7,
            },
        };
}
