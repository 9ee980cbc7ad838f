using System.Collections.Frozen;
using Scheduler.ModelFit.Towers;

namespace Scheduler.ModelFit;

/// <summary>
/// Towers for images and sound beside the language model. They stay at 16 bits, because no published scheme quantizes
/// them, and engines keep a whole tower on each GPU.
/// </summary>
internal static class TowerTable
{
    /// <summary>Readers by model type of the tower, else of the whole config.</summary>
    private static readonly FrozenDictionary<string, Func<Tower, long>> Readers = new Dictionary<
        string,
        Func<Tower, long>
    >(StringComparer.Ordinal)
    {
        ["clip_vision_model"] = ClipTowers.Clip,
        ["siglip_vision_model"] = ClipTowers.Siglip,
        ["idefics3_vision"] = ClipTowers.Siglip,
        ["idefics3"] = ClipTowers.Siglip,
        ["smolvlm_vision"] = ClipTowers.Siglip,
        ["pixtral"] = ClipTowers.Pixtral,
        ["intern_vit_6b"] = ClipTowers.InternVit,
        ["internvl_vision"] = ClipTowers.InternVit,
        ["mllama_vision_model"] = LlamaTowers.Mllama,
        ["llama4_vision_model"] = LlamaTowers.Llama4,
        ["qwen2_vl"] = QwenTowers.Two,
        ["qwen2_5_vl"] = QwenTowers.TwoFive,
        ["qwen2_5_vl_vision"] = QwenTowers.TwoFive,
        ["qwen3_vl"] = QwenTowers.Three,
        ["qwen3_vl_vision"] = QwenTowers.Three,
        ["qwen3_vl_moe"] = QwenTowers.Three,
        ["qwen3_vl_moe_vision"] = QwenTowers.Three,
        ["qwen3_5"] = QwenTowers.Three,
        ["qwen3_5_vision"] = QwenTowers.Three,
        ["qwen3_5_moe"] = QwenTowers.Three,
        ["qwen3_5_moe_vision"] = QwenTowers.Three,
        ["kimi_k25"] = MoonTowers.Moon,
        ["kimi_vl"] = MoonTowers.Moon,
        ["moonvit"] = MoonTowers.Moon,
        ["glm4v"] = MoonTowers.Glm,
        ["glm4v_vision"] = MoonTowers.Glm,
        ["glm4v_moe"] = MoonTowers.Glm,
        ["glm4v_moe_vision"] = MoonTowers.Glm,
        ["gemma4_vision"] = GemmaTowers.Four,
        ["gemma4_audio"] = GemmaTowers.FourAudio,
        ["siglip2_vision_model"] = ClipTowers.Siglip2,
        ["siglip2"] = ClipTowers.Siglip2,
        ["voxtral_encoder"] = AudioTowers.Voxtral,
        ["qwen2_audio_encoder"] = AudioTowers.Qwen,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    public static void Add(WeightBuilder weights, ConfigFields fields, Dimensions size)
    {
        var rootType = ConfigFields.Within(fields.Root).Text("model_type");
        if (Whole(fields, rootType) is { } known)
        {
            weights.Once(WeightRole.Vision, 1, known);
            return;
        }

        foreach (var name in (ReadOnlySpan<string>)["vision_config", "audio_config"])
        {
            if (fields.Nested(name) is { } own)
            {
                weights.Once(WeightRole.Vision, 1, Read(fields, own, name, rootType, size));
            }
        }
    }

    /// <summary>Towers of fixed size that their config names instead of describing.</summary>
    private static long? Whole(ConfigFields fields, string rootType)
    {
        var clip = fields.Text("mm_vision_tower") is { Length: > 0 } tower
            ? tower
            : fields.Nested("img_processor")?.Text("model_name") ?? "";
        if (rootType is "gemma3n")
        {
            fields.MarkRead("vision_config", "audio_config");
            return GemmaTowers.ThreeN;
        }

        if (rootType is "phi4mm")
        {
            fields.MarkRead("img_processor", "audio_processor", "embd_layer", "vision_lora", "speech_lora");
            return ClipTowers.PhiFour;
        }

        if (clip.Length == 0)
        {
            return null;
        }

        if (clip.Contains("clip-vit-large-patch14-336", StringComparison.Ordinal) && rootType is "phi3_v")
        {
            return ClipTowers.Large336 + ClipTowers.PhiThreeProjector;
        }

        if (clip.Contains("clip-vit-large-patch14-336", StringComparison.Ordinal))
        {
            var hidden = fields.Number(1, 1 << 20, "hidden_size") ?? 4096;
            return ClipTowers.Large336 + ClipTowers.TwoLayers(1024, hidden, hasBias: true);
        }

        fields.Doubt("the vision tower that the config names is not known; its weights are not counted");
        return null;
    }

    private static long Read(ConfigFields fields, ConfigFields own, string name, string rootType, Dimensions size)
    {
        var type = own.Text("model_type");
        if (!Readers.TryGetValue(type, out var reader) && !Readers.TryGetValue(rootType, out reader))
        {
            fields.Doubt($"{name} describes a tower that is not known; its weights are estimated from its widths");
            reader = ClipTowers.Generic;
        }

        var parameters = reader(new Tower(own, fields, rootType, size));
        if (own.Fault is not { } fault)
        {
            return Math.Max(0, parameters);
        }

        if (fault.Kind == ModelRefusalKind.MissingField)
        {
            fields.Doubt($"{name} does not state its {fault.Field}; the tower is not counted");
            return 0;
        }

        fields.Refuse(fault.Kind, $"{name}.{fault.Field}", fault.Message);
        return 0;
    }
}
