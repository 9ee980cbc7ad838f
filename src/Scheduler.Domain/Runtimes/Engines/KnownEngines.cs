using System.Collections.Frozen;
using System.Collections.Immutable;
using Scheduler.Domain.Runtimes.Exits;

namespace Scheduler.Domain.Runtimes.Engines;

/// <summary>The engines that the scheduler knows; a new one is a file like its neighbours and a line here.</summary>
public static class KnownEngines
{
    public static readonly ImmutableArray<Engine> All =
    [
        VllmEngine.Engine,
        SglangEngine.Engine,
        TgiEngine.Engine,
        TensorRtEngine.Engine,
        LlamaEngine.Engine,
        OllamaEngine.Engine,
        EmbeddingsEngine.Engine,
    ];

    private static readonly FrozenDictionary<string, Engine> ByName = All.ToFrozenDictionary(
        engine => engine.Name,
        StringComparer.Ordinal
    );

    public static Engine? Find(string name) => ByName.GetValueOrDefault(name);

    /// <summary>The words of hints for a preset; one without an engine is recognized by the engine in its name.</summary>
    internal static EngineOptions HintsOf(string preset)
    {
        bool Names(string engine) => preset.Contains(engine, StringComparison.OrdinalIgnoreCase);
        return Find(preset) is { } engine ? engine.Hints
            : Names("vllm") ? VllmEngine.Engine.Hints
            : Names("sglang") ? SglangEngine.Engine.Hints
            : Names("ollama") ? OllamaEngine.Engine.Hints
            : Names("llama") ? LlamaEngine.Engine.Hints
            : Names("trtllm") || Names("tensorrt") ? TensorRtEngine.Engine.Hints
            : Names("tei") || Names("embedding") ? EmbeddingsEngine.Engine.Hints
            : Names("tgi") || Names("text-generation") ? TgiEngine.Engine.Hints
            : new EngineOptions();
    }
}
