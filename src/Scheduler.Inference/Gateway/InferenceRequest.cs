using System.Text.Json;
using System.Text.Json.Nodes;

namespace Scheduler.Inference.Gateway;

/// <summary>The parts of a request that the gateway needs; the rest is passed to the runtime unread.</summary>
internal sealed record InferenceRequest
{
    public required RequestKind Kind { get; init; }

    public required ReadOnlyMemory<byte> Body { get; init; }

    /// <summary>Content type of the body that the runtime gets.</summary>
    public string ContentType { get; init; } = "application/json";

    /// <summary>The path at the runtime.</summary>
    public string Path => RequestKinds.Paths[Kind];

    public required string Model { get; init; }

    /// <summary>Position of the name's value in the body, quotes included.</summary>
    public required Range ModelAt { get; init; }

    /// <summary>Slug of the firewall the request names; null for none.</summary>
    public string? Firewall { get; init; }

    /// <summary>Member <c>firewall</c> with its comma; cut out because no runtime knows it.</summary>
    public Range? FirewallAt { get; init; }

    /// <summary>Session id in the body: <c>prompt_cache_key</c>, else <c>user</c>; null without either.</summary>
    public string? Session { get; init; }

    public bool IsStream { get; init; }

    /// <summary>Position of the value of <c>stream_options</c>; null when absent.</summary>
    public Range? StreamOptionsAt { get; init; }

    /// <summary>Position of the value of <c>stream_options.include_usage</c>; null when absent.</summary>
    public Range? UsageAt { get; init; }

    /// <summary>Whether the client wants the usage at the end of its stream.</summary>
    public bool WantsUsage { get; init; }

    /// <summary>Requested output, tokens; null when not given.</summary>
    public long? MaxOutput { get; init; }

    /// <summary>
    /// Whether the request explicitly leaves its output unlimited (<c>null</c> or -1). An absent member is a
    /// different case.
    /// </summary>
    public bool LeavesOutputOpen { get; init; }

    /// <summary>Position of <c>messages</c>, <c>prompt</c> or <c>input</c>.</summary>
    public Range PromptAt { get; init; }

    /// <summary>Whether the prompt consists of more than its plain texts: tools, a custom template, …</summary>
    public bool HasExtras { get; init; }

    /// <summary>The prompt's JSON text.</summary>
    public ReadOnlyMemory<byte> Prompt => Body[PromptAt];

    /// <summary>Rejects duplicate members, because parsers disagree on which one counts.</summary>
    /// <exception cref="JsonException">A member occurs twice.</exception>
    public JsonObject Tree() =>
        JsonNode
            .Parse(
                Body.Span,
                documentOptions: new JsonDocumentOptions
                {
                    MaxDepth = RequestReader.MaxDepth,
                    AllowDuplicateProperties = false,
                }
            )!
            .AsObject();
}
