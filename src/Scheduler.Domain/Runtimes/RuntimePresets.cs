using System.Collections.Frozen;
using Scheduler.Domain.Runtimes.Engines;

namespace Scheduler.Domain.Runtimes;

/// <summary>The built-in presets, one for each engine; configuration may replace them or add others.</summary>
public static class RuntimePresets
{
    public static readonly FrozenDictionary<string, RuntimePreset> BuiltIn = KnownEngines
        .All.Select(engine => engine.Preset)
        .ToFrozenDictionary(preset => preset.Name, StringComparer.Ordinal);

    public static RuntimePreset Vllm => BuiltIn["vllm"];

    public static RuntimePreset LlamaServer => BuiltIn["llama-server"];
}
