using System.Collections.Immutable;
using System.Text.Json;

namespace Scheduler.ModelFit;

/// <summary>NVIDIA's ModelOpt: in the config, or in the sidecar <c>hf_quant_config.json</c>.</summary>
internal sealed partial record QuantizationPlan
{
    private static QuantizationPlan ReadModelOpt(ConfigFields fields, JsonElement quantization)
    {
        if (quantization.ValueKind != JsonValueKind.Object)
        {
            return None;
        }

        var own = ConfigFields.Within(quantization);
        var ignored = ModuleMatcher.Read(own.Find("exclude_modules", "ignore"), "exclude_modules", fields);
        if (ignored is null)
        {
            return None;
        }

        var kv =
            own.Text("kv_cache_quant_algo") is "FP8"
            || own.Text("kv_cache_scheme") is "FP8"
            || own.Nested("kv_cache_scheme")?.Number(1, 64, "num_bits") == 8;
        var algorithm = own.Text("quant_algo");
        if (algorithm is "MIXED_PRECISION")
        {
            return ReadMixture(own, ignored) with { HasFp8KvCache = kv };
        }

        if (AlgorithmOf(algorithm) is not { } scheme)
        {
            fields.Refuse(
                ModelRefusalKind.Unsupported,
                "quantization.quant_algo",
                "NVFP4, FP8, MXFP4, MXFP8, W4A16_AWQ, W8A16 and MIXED_PRECISION are known."
            );
            return None;
        }

        return new QuantizationPlan(scheme, ignored) { HasFp8KvCache = kv };
    }

    private static WeightScheme? AlgorithmOf(string algorithm) =>
        algorithm switch
        {
            "NVFP4" or "NVFP4_AWQ" or "W4A16_NVFP4" or "W4A8_NVFP4_FP8" => WeightScheme.Customary(WeightFormat.NvFp4),
            "FP8" or "FP8_PER_CHANNEL_PER_TOKEN" => WeightScheme.Customary(WeightFormat.Fp8),
            "FP8_PB_WO" or "FP8_PB_REAL" => new(WeightFormat.Fp8, 128, 128, 32),
            "MXFP8" => new(WeightFormat.Fp8, 32, 1, 8),
            "MXFP4" or "W4A8_MXFP4_FP8" => WeightScheme.Customary(WeightFormat.MxFp4),
            "W4A16_AWQ" or "W4A8_AWQ" or "INT4_AWQ" => WeightScheme.Customary(WeightFormat.Int4),
            "W8A16" or "W8A8_SQ_PER_CHANNEL" or "INT8_SQ" => WeightScheme.Customary(WeightFormat.Int8),
            _ => null,
        };

    /// <summary>A mixture names the scheme of each module; modules without a name stay at 16 bits.</summary>
    private static QuantizationPlan ReadMixture(ConfigFields own, ModuleMatcher ignored)
    {
        var named = ReadNamed(own);
        if (named.IsEmpty)
        {
            return None;
        }

        // The format with the most modules counts as that of the model.
        return new QuantizationPlan(named.MaxBy(group => group.Targets.Names).Scheme, ignored, new ModuleMatcher())
        {
            Further = named,
        };
    }

    /// <summary>Modules with a scheme of their own, by scheme.</summary>
    private static ImmutableArray<(ModuleMatcher Targets, WeightScheme Scheme)> ReadNamed(ConfigFields own)
    {
        var named = new Dictionary<WeightScheme, ModuleMatcher>();
        if (own.Object("quantized_layers") is not { } layers)
        {
            return [];
        }

        foreach (var layer in layers.EnumerateObject())
        {
            if (
                layer.Value.ValueKind == JsonValueKind.Object
                && AlgorithmOf(ConfigFields.Within(layer.Value).Text("quant_algo")) is { } scheme
                && (named.ContainsKey(scheme) || named.Count < MaxGroups)
            )
            {
                if (!named.TryGetValue(scheme, out var matcher))
                {
                    named[scheme] = matcher = new ModuleMatcher();
                }

                matcher.AddName(layer.Name);
            }
        }

        return [.. named.Select(pair => (pair.Value, pair.Key))];
    }
}
