namespace Scheduler.ModelFit;

/// <summary>Speculative decoding: tokens are guessed and then checked by the model together.</summary>
/// <param name="Model">
/// Model of the shipped catalogue that guesses; null when the engine looks them up in the prompt, which needs no memory.
/// </param>
/// <param name="Tokens">Tokens guessed in one step, 1 to <see cref="MostTokens"/>.</param>
[GenerateSerializer, Immutable, Alias("scheduler.DraftModel")]
public sealed record DraftModel([property: Id(0)] string? Model, [property: Id(1)] int Tokens)
{
    /// <summary>More guesses than any engine keeps.</summary>
    public const int MostTokens = 64;

    /// <summary>Null without a model, or for one that is not in the catalogue.</summary>
    internal ModelFacts? Facts => Model is null ? null : ModelCatalogue.Find(Model);
}
