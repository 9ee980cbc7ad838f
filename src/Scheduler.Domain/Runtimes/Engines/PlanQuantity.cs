using System.Diagnostics;
using Scheduler.ModelFit;

namespace Scheduler.Domain.Runtimes.Engines;

/// <summary>What a launch plan states. Each engine has an option for it or a default that makes it hold.</summary>
public enum PlanQuantity
{
    Weights = 1,
    Cache = 2,
    Context = 3,

    /// <summary>Sequences at full context that the cache holds together.</summary>
    Sequences = 4,

    /// <summary>Sequences that are computed together.</summary>
    SequencesAtOnce = 5,

    TensorParallel = 6,
    PipelineParallel = 7,
    WholeExperts = 8,
    MemoryShare = 9,
    BatchTokens = 10,
    Lora = 11,
    Draft = 12,
}

public static class PlanQuantities
{
    /// <summary>Whether the plan leaves a quantity to the engine, or to the model's files.</summary>
    public static bool IsDefault(this PlanQuantity quantity, LaunchPlan plan) =>
        quantity switch
        {
            PlanQuantity.Weights => plan.Format is null,
            PlanQuantity.Cache => plan.Kv == KvFormat.Bf16,
            PlanQuantity.Context => false,
            PlanQuantity.Sequences => plan.ParallelSequences == 1,
            PlanQuantity.SequencesAtOnce => plan.SequencesAtOnce is null,
            PlanQuantity.TensorParallel => plan.TensorParallel == 1,
            PlanQuantity.PipelineParallel => plan.PipelineParallel == 1,
            PlanQuantity.WholeExperts => !plan.HasWholeExperts,
            PlanQuantity.MemoryShare => plan.MemoryPerMille is null,
            PlanQuantity.BatchTokens => plan.BatchTokens is null,
            PlanQuantity.Lora => plan.Lora is null,
            PlanQuantity.Draft => plan.Draft is null,
            _ => throw new UnreachableException(),
        };

    /// <summary>The field of a launch spec that states it; null when only runtime arguments do.</summary>
    public static string? Field(this PlanQuantity quantity) =>
        quantity switch
        {
            PlanQuantity.Weights => "weight_format",
            PlanQuantity.Cache => "kv_format",
            PlanQuantity.Context => "context_tokens",
            PlanQuantity.Sequences => "parallel_sequences",
            PlanQuantity.SequencesAtOnce => "sequences_at_once",
            PlanQuantity.TensorParallel or PlanQuantity.PipelineParallel => "constraints.gpu_count",
            PlanQuantity.WholeExperts
            or PlanQuantity.MemoryShare
            or PlanQuantity.BatchTokens
            or PlanQuantity.Lora
            or PlanQuantity.Draft => null,
            _ => throw new UnreachableException(),
        };
}
