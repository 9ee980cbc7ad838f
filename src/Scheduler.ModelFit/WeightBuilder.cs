using System.Collections.Immutable;
using System.Globalization;

namespace Scheduler.ModelFit;

/// <summary>Collects weight matrices with their published scheme; refuses sizes that no model has.</summary>
internal sealed class WeightBuilder(ConfigFields fields, QuantizationPlan quantization)
{
    private readonly ImmutableArray<WeightGroup>.Builder _groups = ImmutableArray.CreateBuilder<WeightGroup>();
    private readonly HashSet<SplitWidth> _splits = [];
    private Int128 _parameters;

    public ImmutableArray<WeightGroup> Build() => _groups.DrainToImmutable();

    /// <summary>Widths that the GPUs of a launch must divide into whole blocks of scales.</summary>
    public ImmutableArray<SplitWidth> Splits => [.. _splits.OrderBy(split => split.Width).ThenBy(split => split.Block)];

    /// <summary>Adds a linear layer to each layer of a scope; unquantized ones form their own group.</summary>
    /// <param name="module">Name within a layer, as quantizers write it.</param>
    /// <param name="isDown">Whether the GPUs divide the columns instead of the rows.</param>
    public void Linear(
        Scope scope,
        WeightRole role,
        string module,
        long rows,
        long columns,
        long perLayer = 1,
        bool isDown = false
    )
    {
        if (rows <= 0 || columns <= 0)
        {
            return;
        }

        var counts = new Dictionary<WeightScheme, long>();
        foreach (var layer in scope.Layers)
        {
            var scheme = quantization.SchemeOf(
                role,
                string.Create(CultureInfo.InvariantCulture, $"layers.{layer}.{module}")
            );
            counts[scheme] = counts.GetValueOrDefault(scheme) + 1;
        }

        // Quantized matrices first, as their role is mostly quantized.
        foreach (var (scheme, layers) in counts.OrderBy(pair => pair.Key.Format == WeightFormat.Bf16))
        {
            Add(scope.As ?? role, rows, columns, perLayer * layers, scheme);
            AddSplit(role, rows, columns, scheme, isDown);
        }
    }

    /// <summary>
    /// Engines refuse a share with a part of a block: vLLM's <c>fp8.py</c> for blocks, <c>awq.py</c> and <c>gptq.py</c>
    /// for the groups of dense blocks. MXFP4 kernels pad instead.
    /// </summary>
    private void AddSplit(WeightRole role, long rows, long columns, WeightScheme scheme, bool isDown)
    {
        var hasBlocks = scheme.Format is WeightFormat.Fp8 or WeightFormat.NvFp4;
        if (
            role is WeightRole.DenseMlp or WeightRole.SharedExpert or WeightRole.RoutedExpert
            && (hasBlocks || (scheme.Format == WeightFormat.Int4 && role == WeightRole.DenseMlp))
        )
        {
            var split = isDown ? new SplitWidth(columns, scheme.GroupSize) : new SplitWidth(rows, scheme.BlockRows);
            if (split.Block > 1)
            {
                _splits.Add(split);
            }
        }
    }

    /// <summary>Adds small weights, which no scheme quantizes, to each layer of a scope.</summary>
    public void Small(Scope scope, long perLayer, WeightRole role = WeightRole.Norm) =>
        Add(scope.As ?? role, 1, perLayer, scope.Layers.Length, WeightScheme.Sixteen);

    /// <summary>Adds one 16-bit matrix for the whole model.</summary>
    public void Once(WeightRole role, long rows, long columns) => Add(role, rows, columns, 1, WeightScheme.Sixteen);

    private void Add(WeightRole role, long rows, long columns, long copies, WeightScheme scheme)
    {
        if (rows <= 0 || columns <= 0 || copies <= 0)
        {
            return;
        }

        _parameters += (Int128)rows * columns * copies;
        if (_parameters > ModelFacts.MaxParameters)
        {
            fields.Refuse(
                ModelRefusalKind.BadField,
                "hidden_size",
                "The dimensions multiply to more than 2^50 parameters; no model is that large."
            );
            return;
        }

        _groups.Add(new WeightGroup(role, rows, columns, copies, scheme, scheme.Bytes(rows, columns) * copies));
    }
}

/// <summary>Layers with the same shape.</summary>
/// <param name="Layers">Layer indices, as in module names.</param>
/// <param name="As">Role that overrides the role of each weight, or null.</param>
internal readonly record struct Scope(int[] Layers, WeightRole? As = null)
{
    public static Scope Where(Layer[] plan, Func<Layer, bool> condition) =>
        new([.. Enumerable.Range(0, plan.Length).Where(i => condition(plan[i]))]);
}
