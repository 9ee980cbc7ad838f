using System.Collections.Frozen;
using System.Collections.Immutable;
using Scheduler.ModelFit.Families;

namespace Scheduler.ModelFit;

/// <summary>All families with a row. A new family is a row in one file of <c>Families</c> and a test.</summary>
internal static class FamilyTable
{
    private static readonly FrozenDictionary<string, Family> Rows = (
        (ImmutableArray<ImmutableArray<Family>>)
            [
                LlamaFamilies.Rows,
                QwenFamilies.Rows,
                GemmaFamilies.Rows,
                DeepSeekFamilies.Rows,
                ExpertFamilies.Rows,
                HybridFamilies.Rows,
                GptFamilies.Rows,
                PhiFamilies.Rows,
                EncoderFamilies.Rows,
                [new Family { Types = ["whisper", "bart", "mbart"] }],
            ]
    )
        .SelectMany(rows => rows)
        .SelectMany(row => row.Types.Select(type => (type, row with { Type = type })))
        .ToFrozenDictionary(pair => pair.type, pair => pair.Item2, StringComparer.Ordinal);

    /// <summary>The row of a config, with its defaults applied to <paramref name="fields"/>.</summary>
    public static Family Of(ConfigFields fields)
    {
        var type = TypeOf(fields);
        if (!Rows.TryGetValue(type, out var family))
        {
            return Unknown(fields, type);
        }

        foreach (var (name, json) in family.Defaults)
        {
            fields.Default(name, json);
        }

        family.Adapt?.Invoke(fields);
        return family;
    }

    private static Family Unknown(ConfigFields fields, string type)
    {
        fields.Doubt(
            type.Length == 0
                ? "the config states no model_type"
                : $"model_type {Shown(type)} is not known; the usual properties of published models are assumed"
        );
        var hasHeads = fields.Find("num_attention_heads", "n_head", "n_heads", "num_heads") is not null;
        var isState = fields.Find("state_size", "mamba_d_state", "ssm_state_size") is not null;
        var gpt2Names =
            fields.Find("n_embd") is not null && fields.Find("hidden_act", "activation_function") is not null;
        return Family.Unknown with
        {
            Type = type,
            Feed = gpt2Names ? FeedStyle.Plain : FeedStyle.ByActivation,
            IsPureState = isState && !hasHeads,
            NormsPerLayer = isState && !hasHeads ? 1 : 2,
        };
    }

    /// <summary>The type of the language model's part, else that of the root.</summary>
    private static string TypeOf(ConfigFields fields)
    {
        var own = Trimmed(fields.Text("model_type"));
        if (own.Length == 0 && fields.Find("dim") is not null && fields.Find("n_layers") is not null)
        {
            return "mistral_params";
        }

        if (Rows.ContainsKey(own) || fields.Root.ValueKind != System.Text.Json.JsonValueKind.Object)
        {
            return own;
        }

        var root = Trimmed(ConfigFields.Within(fields.Root).Text("model_type"));
        return Rows.ContainsKey(root) || own.Length == 0 ? root : own;
    }

    private static string Trimmed(string type)
    {
        foreach (var suffix in (ReadOnlySpan<string>)["_text_model", "_text", "_language_model"])
        {
            if (type.EndsWith(suffix, StringComparison.Ordinal))
            {
                return type[..^suffix.Length];
            }
        }

        return type;
    }

    private static string Shown(string type) =>
        new([
            .. type.Take(64)
                .Select(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' or '.' ? letter : '?'),
        ]);
}
