namespace Scheduler.Domain.Runtimes.Exits;

/// <summary>The options of one engine that hints name; each is a part of a sentence.</summary>
internal sealed record EngineOptions
{
    /// <summary>For memory that weights and activations need; null without such an option.</summary>
    public string? Activations { get; init; }

    /// <summary>For memory of the cache; null without such an option.</summary>
    public string? Cache { get; init; }

    public string Share { get; init; } = "choose a GPU without other processes";

    public string Host { get; init; } = "";

    public string Context { get; init; } = "the engine's context option";

    public string Quantization { get; init; } = "";

    public string RemoteCode { get; init; } = "--trust-remote-code";
}
