using System.Collections.Immutable;

namespace Scheduler.ModelFit;

/// <summary>
/// What a <c>model_type</c> implies beyond its config: matrices, biases, norms, defaults of its class. One row of
/// <see cref="FamilyTable"/>. Source: the modelling and configuration code of Hugging Face transformers and vLLM.
/// </summary>
internal sealed record Family
{
    /// <summary>A type without a row: the most common properties of published models.</summary>
    public static readonly Family Unknown = new() { IsKnown = false };

    /// <summary>Model types of the row, without the suffix <c>_text</c>.</summary>
    public ImmutableArray<string> Types { get; init; } = [];

    public bool IsKnown { get; init; } = true;

    /// <summary>The model type of the config that is read.</summary>
    public string Type { get; init; } = "";

    public FeedStyle Feed { get; init; } = FeedStyle.Gated;

    /// <summary>Biases of the feed-forward block when <c>mlp_bias</c> is absent.</summary>
    public bool HasFeedBias { get; init; }

    /// <summary>Biases of query, key and value when the config does not state them.</summary>
    public bool HasQkvBias { get; init; }

    /// <summary>Bias of the attention output; null when it follows that of query, key and value.</summary>
    public bool? HasOutputBias { get; init; }

    public QkNorm QkNorm { get; init; }

    /// <summary>Field that switches <see cref="QkNorm"/> on or off; empty when it is always on.</summary>
    public string QkNormSwitch { get; init; } = "";

    /// <summary>Norms of hidden size per layer.</summary>
    public int NormsPerLayer { get; init; } = 2;

    /// <summary>Vectors of one norm: 1 for a scale, 2 with a bias, 0 for a norm without weights.</summary>
    public int NormVectors { get; init; } = 1;

    public bool IsTiedByDefault { get; init; }

    public bool HasHeadBias { get; init; }

    /// <summary>Rows of the position table besides the maximum; null without a table.</summary>
    public int? PositionRows { get; init; }

    public bool IsEncoder { get; init; }

    /// <summary>Whether every layer is a state-space block only.</summary>
    public bool IsPureState { get; init; }

    /// <summary>One correction of the score per expert (loss-free balancing).</summary>
    public bool CorrectsScores { get; init; }

    /// <summary>Whether a learned row weighs the shared expert.</summary>
    public bool GatesSharedExpert { get; init; }

    /// <summary>Shared experts when the config does not state them.</summary>
    public int SharedExperts { get; init; }

    /// <summary>Name of the feed-forward block in module names.</summary>
    public string FeedModule { get; init; } = "mlp";

    /// <summary>Length of one cycle of sliding and full attention, layers; null without such a cycle.</summary>
    public int? SlidingPeriod { get; init; }

    /// <summary>Sliding windows that the config states but the modelling code does not use.</summary>
    public bool IgnoresSlidingWindow { get; init; }

    /// <summary>Values of the configuration class, as JSON, for fields that the config leaves out.</summary>
    public ImmutableArray<(string Name, string Json)> Defaults { get; init; } = [];

    /// <summary>Derives usual fields from those of this family, before anything else is read.</summary>
    public Action<ConfigFields>? Adapt { get; init; }

    /// <summary>Weights that occur only in this family.</summary>
    public Action<FamilyWeights>? Extra { get; init; }

    /// <summary>Routed experts per layer; 0 without experts.</summary>
    public static long Experts(ConfigFields fields) =>
        fields.Number(0, 65536, "n_routed_experts", "num_local_experts", "num_experts", "moe_num_experts") ?? 0;

    /// <summary>Whether the block has two matrices instead of three.</summary>
    public int FeedMatrices(ConfigFields fields)
    {
        // A squared ReLU and xIELU need no gate.
        var lacksGate =
            Feed == FeedStyle.ByActivation
            && (fields.Text("hidden_act", "activation_function", "mlp_hidden_act") is "relu2" or "xielu");
        return Feed == FeedStyle.Plain || lacksGate ? 2 : 3;
    }

    public bool QkvBias(ConfigFields fields) =>
        fields.Flag(HasQkvBias, "attention_bias", "qkv_bias", "add_qkv_bias", "use_qkv_bias", "use_bias", "bias");

    public bool OutputBias(ConfigFields fields) => fields.Flag(HasOutputBias ?? QkvBias(fields), "attention_out_bias");

    public bool FeedBias(ConfigFields fields) => fields.Flag(HasFeedBias, "mlp_bias", "use_bias");

    public QkNorm Norm(ConfigFields fields) =>
        QkNormSwitch.Length > 0 && !fields.Flag(false, QkNormSwitch) ? QkNorm.None : QkNorm;
}

/// <summary>Matrices of a feed-forward block.</summary>
internal enum FeedStyle
{
    /// <summary>Three: gate, up, down.</summary>
    Gated,

    /// <summary>Two: up, down.</summary>
    Plain,

    /// <summary>The activation decides.</summary>
    ByActivation,
}

/// <summary>Learned norms of queries and keys.</summary>
internal enum QkNorm
{
    None,

    /// <summary>One vector of head size each, shared by the heads.</summary>
    PerHead,

    /// <summary>One vector over all heads each.</summary>
    Full,
}

/// <summary>What <see cref="Family.Extra"/> may use.</summary>
internal sealed record FamilyWeights(ConfigFields Fields, Dimensions Size, Layer[] Plan, WeightBuilder Weights)
{
    public Scope AllLayers => Scope.Where(Plan, static _ => true);
}
