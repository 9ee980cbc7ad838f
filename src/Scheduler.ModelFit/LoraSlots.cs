namespace Scheduler.ModelFit;

/// <summary>Room that an engine reserves at its start for LoRA adapters.</summary>
/// <param name="Count">Adapters in GPU memory at the same time, 1 to <see cref="MostAdapters"/>.</param>
/// <param name="Rank">Highest rank of an adapter, 1 to <see cref="HighestRank"/>.</param>
[GenerateSerializer, Immutable, Alias("scheduler.LoraSlots")]
public sealed record LoraSlots([property: Id(0)] int Count, [property: Id(1)] int Rank)
{
    /// <summary>More adapters than one GPU's batches use.</summary>
    public const int MostAdapters = 1024;

    /// <summary>vLLM's largest <c>--max-lora-rank</c>.</summary>
    public const int HighestRank = 512;

    /// <summary>
    /// Bytes on one GPU. Each adapted matrix has two 16-bit matrices of the rank: one is divided over the GPUs, and the
    /// other may be whole on each (vLLM's <c>lora/layers</c>). Experts get adapters only in newer versions.
    /// </summary>
    internal VramEstimate.Band On(ModelFacts model, int gpus)
    {
        long low = 0;
        long expected = 0;
        long high = 0;
        foreach (var group in model.Weights)
        {
            var isDense =
                group.Role
                is WeightRole.Attention
                    or WeightRole.KeyValue
                    or WeightRole.DenseMlp
                    or WeightRole.SharedExpert;
            if (!isDense && group.Role != WeightRole.RoutedExpert)
            {
                continue;
            }

            var perRow = Divide.Product(2L * Count * Rank, group.Copies);
            var both = Divide.Product(perRow, group.Rows + group.Columns);
            high = Divide.Sum(high, both);
            if (isDense)
            {
                low = Divide.Sum(low, Divide.Up(both, gpus));
                expected = Divide.Sum(expected, Divide.Product(perRow, group.Columns + Divide.Up(group.Rows, gpus)));
            }
        }

        return new(low, expected, high);
    }
}
