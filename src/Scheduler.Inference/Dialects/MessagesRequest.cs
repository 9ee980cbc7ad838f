using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Scheduler.Edge;
using Scheduler.Inference.Gateway;

namespace Scheduler.Inference.Dialects;

/// <summary>
/// Translates a request of Anthropic's Messages API to a chat completion. Members that only steer
/// the vendor's service (caching, tiers, context editing) have no effect. What needs the vendor's servers is refused:
/// files, containers, MCP servers, and tools that run there.
/// </summary>
internal sealed partial class MessagesRequest : DialectReader
{
    private const string VersionHeader = "anthropic-version";
    private const string BetaHeader = "anthropic-beta";

    /// <summary>
    /// Versions of the API that are served, the one of a request without the header first. The second removed sampling
    /// parameters for the vendor's own models; here they have an effect in both.
    /// </summary>
    private static readonly string[] Versions = ["2023-06-01", "2026-10-21"];

    /// <summary>A block of Claude Code that counts requests; it would make every prompt's beginning different.</summary>
    private const string BillingText = "x-anthropic-billing-header:";

    private static readonly FrozenSet<string> Known = FrozenSet.Create(
        StringComparer.Ordinal,
        "model",
        "messages",
        "max_tokens",
        "system",
        "metadata",
        "stop_sequences",
        "stream",
        "temperature",
        "top_p",
        "thinking",
        "tool_choice",
        "tools",
        "service_tier",
        "output_config",
        "output_format",
        "cache_control",
        "container",
        "context_management",
        "diagnostics",
        "fallbacks",
        "inference_geo",
        "mcp_servers",
        "speed",
        "user_profile_id",
        "workspace_id",
        "anthropic_version",
        "anthropic_beta"
    );

    private MessagesRequest() { }

    /// <exception cref="ApiException">Lists all faults.</exception>
    public static DialectExchange Translate(InferenceRequest native, IHeaderDictionary headers)
    {
        var reader = new MessagesRequest();
        var said = reader.ReadHeaders(headers);
        var body = TreeOf(native);
        var stops = reader.ReadBody(body, native.Kind == RequestKind.Messages);
        var session = reader.SessionOf(body);
        return new DialectExchange
        {
            Native = native,
            Chat = reader.Finish(body) with { Session = session },
            Headers = said,
            Answer = (scope, _) => new MessagesAnswer(scope, native.Model, stops),
        };
    }

    /// <summary>Agents name their session in the id of their user.</summary>
    private string? SessionOf(JsonObject body) =>
        Object(body, "metadata", "") is { } metadata ? Text(metadata, "user_id", "metadata.", isRequired: false) : null;

    private List<(string, string)> ReadHeaders(IHeaderDictionary headers)
    {
        var version = headers[VersionHeader] is { Count: > 0 } sent ? sent.ToString() : Versions[0];
        if (!Versions.Contains(version, StringComparer.Ordinal))
        {
            Faults.Add(VersionHeader, $"Must be {string.Join(" or ", Versions)}.");
        }

        List<(string, string)> said = [(VersionHeader, version)];
        if (headers[BetaHeader].ToString() is { Length: > 0 } beta)
        {
            said.Add((BetaHeader, beta));
        }

        return said;
    }

    /// <returns>The stop sequences.</returns>
    private FrozenSet<string> ReadBody(JsonObject body, bool isGeneration)
    {
        ReadKnown(body, Known);
        Refuse(body, "container", "Containers are not served here.");
        if (body["mcp_servers"] is not JsonArray { Count: 0 })
        {
            Refuse(body, "mcp_servers", "MCP servers are not called from here. Let the client call them.");
        }

        CopyTokens(body, "max_tokens", isRequired: isGeneration);
        CopyNumber(body, "temperature");
        CopyNumber(body, "top_p");
        ReadSystem(body, "system", "");
        if (body["messages"] is null)
        {
            Faults.Add("messages", "Is required: a list of messages.");
        }

        foreach (var (message, path) in Objects(body, "messages", ""))
        {
            ReadMessage(message, path);
        }

        ContinueLast();
        ReadTools(body);
        ReadThinking(body);
        ReadOutput(body);
        return ReadStops(body);
    }

    private FrozenSet<string> ReadStops(JsonObject body)
    {
        switch (body["stop_sequences"])
        {
            case null:
                return [];
            case JsonArray list when list.All(one => one?.GetValueKind() == JsonValueKind.String):
                if (list.Count > 0)
                {
                    Copy(body, "stop_sequences", "stop");
                }

                return list.Select(one => one!.GetValue<string>()).ToFrozenSet(StringComparer.Ordinal);
            default:
                Faults.Add("stop_sequences", "Must be a list of texts.");
                return [];
        }
    }

    private void ReadThinking(JsonObject body)
    {
        if (Object(body, "thinking", "") is not { } thinking)
        {
            return;
        }

        switch (Text(thinking, "type", "thinking."))
        {
            case "enabled" or "adaptive" or "between_tools":
                SetThinking(true);
                break;
            case "disabled":
                SetThinking(false);
                break;
            case null:
                break;
            default:
                Faults.Add("thinking.type", "Must be enabled, adaptive or disabled.");
                break;
        }
    }

    private void ReadOutput(JsonObject body)
    {
        var format = Object(body, "output_format", "");
        var path = "output_format.";
        if (Object(body, "output_config", "") is { } output)
        {
            ReadEffort(output, "output_config.");
            (format, path) = (Object(output, "format", "output_config."), "output_config.format.");
        }

        if (format is null)
        {
            return;
        }

        if (Text(format, "type", path) is not (null or "json_schema"))
        {
            Faults.Add($"{path}type", "Must be json_schema.");
        }

        if (Object(format, "schema", path, isRequired: true) is { } schema)
        {
            Chat["response_format"] = new JsonObject
            {
                ["type"] = "json_schema",
                ["json_schema"] = new JsonObject
                {
                    ["name"] = "answer",
                    ["strict"] = true,
                    ["schema"] = schema.DeepClone(),
                },
            };
        }
    }

    private void ReadTools(JsonObject body)
    {
        var tools = new JsonArray();
        foreach (var (tool, path) in Objects(body, "tools", ""))
        {
            if (Text(tool, "type", path, isRequired: false) is { } type and not "custom")
            {
                Faults.Add(
                    $"{path}type",
                    $"'{RequestReader.Shown(type)}' is a tool of the vendor; only tools with an input_schema are served."
                );
                continue;
            }

            if (Text(tool, "name", path) is { } name)
            {
                var description = Text(tool, "description", path, isRequired: false);
                var schema = Object(tool, "input_schema", path, isRequired: true);
                tools.Add((JsonNode)Function(name, description, schema, tool["strict"]));
            }
        }

        if (tools.Count > 0)
        {
            Chat["tools"] = tools;
        }

        ReadToolChoice(body, tools.Count > 0);
    }

    private void ReadToolChoice(JsonObject body, bool hasTools)
    {
        if (Object(body, "tool_choice", "") is not { } choice)
        {
            return;
        }

        JsonNode? said = Text(choice, "type", "tool_choice.") switch
        {
            null => null,
            "auto" => "auto",
            "any" => "required",
            "none" => "none",
            "tool" => Text(choice, "name", "tool_choice.") is { } name ? Function(name) : null,
            _ => WrongChoice(),
        };

        // Runtimes refuse a choice without tools.
        if (!hasTools || said is null)
        {
            return;
        }

        Chat["tool_choice"] = said;
        if (choice["disable_parallel_tool_use"] is JsonValue alone && alone.GetValueKind() == JsonValueKind.True)
        {
            Chat["parallel_tool_calls"] = false;
        }
    }

    private JsonNode? WrongChoice()
    {
        Faults.Add("tool_choice.type", "Must be auto, any, tool or none.");
        return null;
    }
}
