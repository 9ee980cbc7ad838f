using System.Collections.Immutable;
using Scheduler.Inference.Gateway;

namespace Scheduler.Inference.Guard;

/// <summary>One request on its way through its firewalls.</summary>
internal sealed class RequestGuard(InferenceRequest request)
{
    private PromptReading? _prompt;

    /// <summary>What a runtime gets: the client's request, or the one written from its reading.</summary>
    public InferenceRequest Request { get; private set; } = request;

    /// <summary>What a model can read of the client's request.</summary>
    public PromptReading Prompt => _prompt ??= PromptReader.Read(Request);

    /// <summary>Slugs of the firewalls that the request has passed.</summary>
    public HashSet<string> Judged { get; } = new(StringComparer.Ordinal);

    /// <summary>Firewalls that judge once the destination is known.</summary>
    public ImmutableArray<string> Waiting { get; set; } = [];

    /// <summary>Slugs of the rules matched by firewalls in allow mode.</summary>
    public List<string> Matched { get; } = [];

    /// <summary>From now on runtimes get only what was read.</summary>
    public void Hold() => Request = Prompt.Guarded();
}
