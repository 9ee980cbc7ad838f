using System.Text.Json;

namespace Scheduler.ModelFit;

/// <summary>The matrices that the publisher quantized, and their scheme.</summary>
/// <param name="Ignored">Modules left at 16 bits.</param>
/// <param name="Targets">Quantized modules; null for every linear layer.</param>
/// <param name="ExpertsOnly">Whether only routed experts are quantized (MXFP4 as published for gpt-oss).</param>
internal sealed record QuantizationPlan(
    WeightScheme Scheme,
    ModuleMatcher Ignored,
    ModuleMatcher? Targets = null,
    bool ExpertsOnly = false
)
{
    private static readonly QuantizationPlan None = new(WeightScheme.Sixteen, new ModuleMatcher());

    public bool HasFp8KvCache { get; init; }

    public WeightScheme SchemeOf(WeightRole role, string module)
    {
        if (Scheme.Format == WeightFormat.Bf16 || (ExpertsOnly && role != WeightRole.RoutedExpert))
        {
            return WeightScheme.Sixteen;
        }

        return Ignored.Matches(module) || Targets?.Matches(module) == false ? WeightScheme.Sixteen : Scheme;
    }

    /// <summary>Reads <c>quantization_config</c>, else the sidecar <c>hf_quant_config.json</c>.</summary>
    public static QuantizationPlan Read(ConfigFields fields, JsonElement? sidecar)
    {
        if (fields.Object("quantization_config") is { } config)
        {
            return ReadConfig(fields, config);
        }

        if (sidecar is { } beside && beside.TryGetProperty("quantization", out var quantization))
        {
            return ReadModelOpt(fields, quantization);
        }

        return None;
    }

    private static QuantizationPlan ReadConfig(ConfigFields fields, JsonElement config)
    {
        var own = ConfigFields.Within(config);
        var method = own.Text("quant_method");
        var plan = method switch
        {
            "fp8" or "fbgemm_fp8" => ReadFp8(own, method),
            "awq" or "gptq" or "awq_marlin" or "gptq_marlin" or "auto-round" => ReadGrouped(own, method),
            "compressed-tensors" => ReadCompressedTensors(own),
            "mxfp4" => Ignoring(own, WeightScheme.Customary(WeightFormat.MxFp4)) with { ExpertsOnly = true },
            "modelopt" or "modelopt_fp4" => ReadModelOpt(own, config),
            "bitsandbytes" => Ignoring(
                own,
                // One 32-bit maximum per 64 weights (bitsandbytes' block size).
                own.Flag(false, "load_in_4bit", "_load_in_4bit")
                    ? new(WeightFormat.Int4, 64, 1, 32)
                    : WeightScheme.Customary(WeightFormat.Int8)
            ),
            _ => null,
        };
        if (plan is null)
        {
            fields.Refuse(
                ModelRefusalKind.Unsupported,
                "quantization_config.quant_method",
                "The quantization method is not known; fp8, fbgemm_fp8, awq, gptq, compressed-tensors, mxfp4, modelopt and bitsandbytes are."
            );
        }

        if (own.Fault is { } fault)
        {
            fields.Refuse(fault.Kind, "quantization_config." + fault.Field, fault.Message);
        }

        return plan ?? None;
    }

    private static QuantizationPlan ReadFp8(ConfigFields own, string method)
    {
        if (method is "fbgemm_fp8")
        {
            return Ignoring(own, WeightScheme.Customary(WeightFormat.Fp8));
        }

        if (own.Array(2, "weight_block_size") is not { } block)
        {
            // One 32-bit scale for the whole matrix.
            return Ignoring(own, new(WeightFormat.Fp8, -1, 1, 32));
        }

        var sides = block
            .EnumerateArray()
            .Select(side => ConfigFields.TryWhole(side, out var value) ? value : 0)
            .ToArray();
        if (sides is not [>= 1 and <= 65536, >= 1 and <= 65536])
        {
            own.Refuse(
                ModelRefusalKind.BadField,
                "weight_block_size",
                "weight_block_size must be two sizes from 1 to 65536."
            );
            return None;
        }

        return Ignoring(own, new(WeightFormat.Fp8, (int)sides[1], (int)sides[0], 32));
    }

    private static QuantizationPlan? ReadGrouped(ConfigFields own, string method)
    {
        var bits = own.Need(8, "bits", "w_bit");
        var group = (int)(own.Number(-1, 65536, "group_size", "q_group_size") ?? 128);
        // AWQ stores no zero points when it uses none; GPTQ always stores a packed table of them, symmetric or not.
        var zeros = !method.StartsWith("awq", StringComparison.Ordinal) || own.Flag(true, "zero_point");
        return bits switch
        {
            4 => Ignoring(own, new(WeightFormat.Int4, Math.Max(0, group), 1, zeros ? 20 : 16)),
            8 => Ignoring(own, new(WeightFormat.Int8, Math.Max(0, group), 1, zeros ? 24 : 16)),
            _ => null,
        };
    }

    private static QuantizationPlan ReadCompressedTensors(ConfigFields own)
    {
        if (
            own.Object("config_groups") is not { } groups
            || groups.EnumerateObject().FirstOrDefault() is not { Value.ValueKind: JsonValueKind.Object } first
            || !first.Value.TryGetProperty("weights", out var weights)
            || weights.ValueKind != JsonValueKind.Object
        )
        {
            own.Refuse(
                ModelRefusalKind.MissingField,
                "config_groups",
                "compressed-tensors needs config_groups with weights."
            );
            return None;
        }

        var details = ConfigFields.Within(weights);
        var bits = details.Need(16, "num_bits");
        var group = (int)(details.Number(-1, 65536, "group_size") ?? -1);
        var isFloat = details.Text("type") is "float";
        // A per-channel scale is one 16-bit number per row; a per-tensor scale is one number.
        var span = details.Text("strategy") is "channel" ? 0 : group;
        var symmetric = details.Flag(true, "symmetric");
        WeightScheme? scheme = (bits, isFloat) switch
        {
            (8, true) => new(WeightFormat.Fp8, span, 1, 16),
            (8, false) => new(WeightFormat.Int8, span, 1, symmetric ? 16 : 24),
            (4, true) => WeightScheme.Customary(group == 32 ? WeightFormat.MxFp4 : WeightFormat.NvFp4),
            (4, false) => new(WeightFormat.Int4, span, 1, symmetric ? 16 : 20),
            _ => null,
        };
        if (scheme is null || details.Fault is not null)
        {
            own.Refuse(
                ModelRefusalKind.Unsupported,
                "config_groups.weights",
                "Weights of 4 or 8 bits, int or float, are known."
            );
            return None;
        }

        return Ignoring(own, scheme.Value) with
        {
            Targets = ReadTargets(own, first.Value),
        };
    }

    private static ModuleMatcher? ReadTargets(ConfigFields own, JsonElement group)
    {
        if (!group.TryGetProperty("targets", out var targets) || targets.ValueKind != JsonValueKind.Array)
        {
            return null;
        }

        var everyLinear = targets
            .EnumerateArray()
            .Any(target => target.ValueKind == JsonValueKind.String && target.ValueEquals("Linear"));
        return everyLinear ? null : ModuleMatcher.Read(targets, "targets", own);
    }

    private static QuantizationPlan ReadModelOpt(ConfigFields fields, JsonElement quantization)
    {
        var own = ConfigFields.Within(quantization);
        var algorithm = own.Text("quant_algo");
        WeightScheme? scheme = algorithm switch
        {
            "NVFP4" or "W4A16_NVFP4" or "W4A8_NVFP4_FP8" => WeightScheme.Customary(WeightFormat.NvFp4),
            "FP8" or "FP8_PER_CHANNEL_PER_TOKEN" => WeightScheme.Customary(WeightFormat.Fp8),
            "MXFP4" => WeightScheme.Customary(WeightFormat.MxFp4),
            "W4A16_AWQ" or "W4A8_AWQ" => WeightScheme.Customary(WeightFormat.Int4),
            "W8A16" or "W8A8_SQ_PER_CHANNEL" => WeightScheme.Customary(WeightFormat.Int8),
            _ => null,
        };
        if (scheme is null)
        {
            fields.Refuse(
                ModelRefusalKind.Unsupported,
                "quantization.quant_algo",
                "NVFP4, FP8, MXFP4, W4A16_AWQ and W8A16 are known."
            );
            return None;
        }

        var ignored = ModuleMatcher.Read(own.Find("exclude_modules", "ignore"), "exclude_modules", fields);
        return ignored is null
            ? None
            : new QuantizationPlan(scheme.Value, ignored) { HasFp8KvCache = own.Text("kv_cache_quant_algo") is "FP8" };
    }

    private static QuantizationPlan Ignoring(ConfigFields own, WeightScheme scheme) =>
        new(
            scheme,
            ModuleMatcher.Read(
                own.Find("modules_to_not_convert", "ignore", "ignored_layers", "llm_int8_skip_modules"),
                "modules_to_not_convert",
                own
            ) ?? new ModuleMatcher()
        );
}
