using System.Collections.Immutable;
using System.Text.Json;

namespace Scheduler.ModelFit;

/// <summary>The matrices that the publisher quantized, and their scheme.</summary>
/// <param name="Ignored">Modules left at 16 bits.</param>
/// <param name="Targets">Quantized modules; null for every linear layer.</param>
/// <param name="ExpertsOnly">Whether only routed experts are quantized (MXFP4 as published for gpt-oss).</param>
internal sealed partial record QuantizationPlan(
    WeightScheme Scheme,
    ModuleMatcher Ignored,
    ModuleMatcher? Targets = null,
    bool ExpertsOnly = false
)
{
    /// <summary>Most groups of compressed-tensors, and schemes of a mixture; published files have two.</summary>
    private const int MaxGroups = 16;

    private static readonly QuantizationPlan None = new(WeightScheme.Sixteen, new ModuleMatcher());

    public bool HasFp8KvCache { get; init; }

    /// <summary>Further groups of modules with schemes of their own; the first that matches counts.</summary>
    public ImmutableArray<(ModuleMatcher Targets, WeightScheme Scheme)> Further { get; init; } = [];

    public WeightScheme SchemeOf(WeightRole role, string module)
    {
        if (
            Scheme.Format == WeightFormat.Bf16
            || (ExpertsOnly && role != WeightRole.RoutedExpert)
            || Ignored.Matches(module)
        )
        {
            return WeightScheme.Sixteen;
        }

        foreach (var (targets, scheme) in Further)
        {
            if (targets.Matches(module))
            {
                return scheme;
            }
        }

        return Targets?.Matches(module) == false ? WeightScheme.Sixteen : Scheme;
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
        var method =
            own.Text("quant_method") is { Length: > 0 } stated ? stated
            : own.Find("quant_algo") is not null ? "modelopt"
            : own.Find("config_groups") is not null ? "compressed-tensors"
            : "";
        var plan = method switch
        {
            "fp8" or "fbgemm_fp8" => ReadFp8(own, method) with { Further = ReadNamed(own) },
            "awq" or "gptq" or "awq_marlin" or "gptq_marlin" or "auto-round" => ReadGrouped(own, method),
            "compressed-tensors" => ReadCompressedTensors(own),
            "mxfp4" => Ignoring(own, WeightScheme.Customary(WeightFormat.MxFp4)) with { ExpertsOnly = true },
            "modelopt" or "modelopt_fp4" or "modelopt_mixed" => ReadModelOpt(own, config),
            "quark" => ReadQuark(own, fields),
            "experts_int8" => Ignoring(own, WeightScheme.Customary(WeightFormat.Int8)) with { ExpertsOnly = true },
            "ptpc_fp8" => Ignoring(own, WeightScheme.Customary(WeightFormat.Fp8)),
            "hqq"
            or "torchao"
            or "aqlm"
            or "eetq"
            or "quanto"
            or "moe_wna16"
            or "bitblas"
            or "spqr"
            or "vptq"
            or "higgs"
            or "fp_quant"
            or "intel/auto-round"
            or "inc"
            or "gptq_bitblas"
            or "petit_nvfp4"
            or "exl2"
            or "exl3" => ReadUncertain(own, fields, method),
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
                "The quantization method is not known; fp8, awq, gptq, compressed-tensors, mxfp4, modelopt, bitsandbytes and quark are."
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
        var plans = new List<(ModuleMatcher? Targets, WeightScheme Scheme)>();
        if (own.Object("config_groups") is { } groups)
        {
            foreach (var group in groups.EnumerateObject().Take(MaxGroups))
            {
                if (
                    group.Value.ValueKind == JsonValueKind.Object
                    && group.Value.TryGetProperty("weights", out var weights)
                    && weights.ValueKind == JsonValueKind.Object
                    && ReadScheme(own, weights) is { } scheme
                )
                {
                    plans.Add((ReadTargets(own, group.Value), scheme));
                }
            }
        }

        if (plans.Count == 0)
        {
            own.Refuse(
                ModelRefusalKind.MissingField,
                "config_groups",
                "compressed-tensors needs config_groups with weights."
            );
            return None;
        }

        // A group for every linear layer comes last, so that the others are asked before it.
        var last = plans.FindIndex(plan => plan.Targets is null);
        var (targets, main) = plans[Math.Max(0, last)];
        plans.RemoveAt(Math.Max(0, last));
        return Ignoring(own, main) with
        {
            Targets = targets,
            Further = [.. plans.Where(plan => plan.Targets is not null).Select(plan => (plan.Targets!, plan.Scheme))],
        };
    }

    private static WeightScheme? ReadScheme(ConfigFields own, JsonElement weights)
    {
        var details = ConfigFields.Within(weights);
        var bits = details.Need(16, "num_bits");
        var group = (int)(details.Number(-1, 65536, "group_size") ?? -1);
        var isFloat = details.Text("type") is "float";
        // A per-channel scale is one 16-bit number per row; a per-tensor scale is one number.
        var span = details.Text("strategy") is "channel" ? 0 : group;
        var symmetric = details.Flag(true, "symmetric");
        var block =
            details.Array(2, "block_structure") is { } sides
            && sides.GetArrayLength() == 2
            && ConfigFields.TryWhole(sides[0], out var rows)
            && ConfigFields.TryWhole(sides[1], out var columns)
            && rows is >= 1 and <= 65536
            && columns is >= 1 and <= 65536
                ? new WeightScheme(WeightFormat.Fp8, (int)columns, (int)rows, 32)
                : (WeightScheme?)null;
        WeightScheme? scheme = (bits, isFloat) switch
        {
            (8, true) => block ?? new WeightScheme(WeightFormat.Fp8, span, 1, 16),
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
            return null;
        }

        return scheme;
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

    /// <summary>AMD's Quark: the global scheme; <c>exclude</c> lists modules left at 16 bits.</summary>
    private static QuantizationPlan ReadQuark(ConfigFields own, ConfigFields fields)
    {
        var weight = own.Nested("global_quant_config")?.Nested("weight");
        var type = weight?.Text("dtype") ?? "";
        var group = (int)(weight?.Number(-1, 65536, "group_size") ?? -1);
        WeightScheme? scheme = type switch
        {
            "fp8_e4m3" => new(WeightFormat.Fp8, weight?.Text("qscheme") is "per_channel" ? 0 : -1, 1, 32),
            "fp4" => WeightScheme.Customary(WeightFormat.MxFp4),
            "int8" => WeightScheme.Customary(WeightFormat.Int8),
            "int4" or "uint4" => new(WeightFormat.Int4, Math.Max(0, group), 1, 20),
            _ => null,
        };
        if (scheme is null)
        {
            return ReadUncertain(own, fields, "quark");
        }

        var ignored = ModuleMatcher.Read(own.Find("exclude"), "exclude", own) ?? new ModuleMatcher();
        return new QuantizationPlan(scheme.Value, ignored);
    }

    /// <summary>Methods that engines load and whose layout is not computed: 4 bits are assumed, with a doubt.</summary>
    private static QuantizationPlan ReadUncertain(ConfigFields own, ConfigFields fields, string method)
    {
        fields.Doubt($"the layout of {method} weights is not known; 4 bits per weight are assumed");
        return Ignoring(
            own,
            WeightScheme.Customary(
                own.Number(1, 16, "bits", "nbits", "w_bit") == 8 ? WeightFormat.Int8 : WeightFormat.Int4
            )
        );
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
