using System.Collections.Immutable;
using Scheduler.Edge.Limits;
using Scheduler.Inference.Gateway;

namespace Scheduler.Inference.Guard;

/// <summary>One request on its way through its firewalls.</summary>
/// <param name="memory">What the request holds of the memory budget.</param>
internal sealed class RequestGuard(InferenceRequest request, MemoryShare memory)
{
    /// <summary>
    /// Bytes of memory that a reading takes for one of the body: texts of two bytes a character, the body written from
    /// them, and the questions to judges.
    /// </summary>
    private const int TimesOfReading = 8;

    private PromptReading? _prompt;

    /// <summary>What a runtime gets: the client's request, or the one written from its reading.</summary>
    public InferenceRequest Request { get; private set; } = request;

    /// <summary>What a model can read of the client's request.</summary>
    /// <exception cref="Edge.ApiException">RATE_LIMITED: the memory budget is used.</exception>
    public PromptReading Prompt => _prompt ??= Read();

    /// <summary>Slugs of the firewalls that the request has passed.</summary>
    public HashSet<string> Judged { get; } = new(StringComparer.Ordinal);

    /// <summary>Slugs of the firewalls that account and target attach, whatever the request names.</summary>
    public HashSet<string> Attached { get; } = new(StringComparer.Ordinal);

    /// <summary>Firewalls that judge once the destination is known.</summary>
    public ImmutableArray<string> Waiting { get; set; } = [];

    /// <summary>Slugs of the rules matched by firewalls in allow mode.</summary>
    public List<string> Matched { get; } = [];

    /// <summary>From now on runtimes get only what was read.</summary>
    public void Hold() => Request = Prompt.Guarded();

    private PromptReading Read()
    {
        memory.Grow((long)Request.Body.Length * TimesOfReading);
        return PromptReader.Read(Request);
    }
}
