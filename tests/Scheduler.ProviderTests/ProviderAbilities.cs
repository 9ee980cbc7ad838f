namespace Scheduler.ProviderTests;

/// <summary>What a provider can tell. Where it cannot, the conformance suite checks what is left of a promise.</summary>
public sealed record ProviderAbilities
{
    /// <summary>Whether offers tell how many are available. Else the number is a prior.</summary>
    public bool CountsStock { get; init; } = true;

    /// <summary>Whether the end of a runtime is evident. Else it is booting or unhealthy.</summary>
    public bool TellsExit { get; init; } = true;

    /// <summary>Whether the output of a runtime can be read. Else it is empty.</summary>
    public bool ReadsOutput { get; init; } = true;
}
