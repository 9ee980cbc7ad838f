using System.Text.Json;
using System.Text.Json.Nodes;

namespace Scheduler.Inference.Gateway;

/// <summary>What the gateway needs to know of a request; the rest is the runtime's business and passes unread.</summary>
internal sealed record InferenceRequest
{
    /// <summary>What it asks.</summary>
    public required RequestKind Kind { get; init; }

    /// <summary>The whole body.</summary>
    public required ReadOnlyMemory<byte> Body { get; init; }

    /// <summary>The serving name it is sent to.</summary>
    public required string Model { get; init; }

    /// <summary>Where in the body the name's value stands, quotes and all.</summary>
    public required Range ModelAt { get; init; }

    /// <summary>Slug of the firewall it names; null for none.</summary>
    public string? Firewall { get; init; }

    /// <summary>The member <c>firewall</c> with the comma that goes with it: no runtime knows it.</summary>
    public Range? FirewallAt { get; init; }

    /// <summary>Whether the answer is to be streamed.</summary>
    public bool IsStream { get; init; }

    /// <summary>Where the value of <c>stream_options</c> stands; null where there is none.</summary>
    public Range? StreamOptionsAt { get; init; }

    /// <summary>Whether the client wants the usage at the end of its stream.</summary>
    public bool WantsUsage { get; init; }

    /// <summary>Output asked for, tokens; null where it is not said.</summary>
    public long? MaxOutput { get; init; }

    /// <summary>Whether it says that its output has no limit of its own (<c>null</c> or -1), which is another thing than saying nothing.</summary>
    public bool LeavesOutputOpen { get; init; }

    /// <summary>Where <c>messages</c>, <c>prompt</c> or <c>input</c> stands.</summary>
    public Range PromptAt { get; init; }

    /// <summary>Whether what goes into the prompt is more than plain messages or texts: tools, a template of its own, and the like.</summary>
    public bool HasExtras { get; init; }

    /// <summary>Its prompt as it was written.</summary>
    public ReadOnlyMemory<byte> Prompt => Body[PromptAt];

    /// <summary>The body as a tree; two members of one name are a fault, because readers do not agree on which one counts.</summary>
    /// <exception cref="JsonException">A member is there twice.</exception>
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
