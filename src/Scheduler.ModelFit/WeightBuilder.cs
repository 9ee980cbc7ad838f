using System.Collections.Immutable;
using System.Globalization;

namespace Scheduler.ModelFit;

/// <summary>Collects weight matrices with their published scheme; refuses sizes that no model has.</summary>
internal sealed class WeightBuilder(ConfigFields fields, QuantizationPlan quantization)
{
    private readonly ImmutableArray<WeightGroup>.Builder _groups = ImmutableArray.CreateBuilder<WeightGroup>();
    private Int128 _parameters;

    public ImmutableArray<WeightGroup> Build() => _groups.DrainToImmutable();

    /// <summary>Adds a linear layer to each layer of a scope; unquantized ones form their own group.</summary>
    /// <param name="module">Name within a layer, as quantizers write it.</param>
    public void Linear(Scope scope, WeightRole role, string module, long rows, long columns, long perLayer = 1)
    {
        var quantized = 0;
        WeightScheme scheme = default;
        foreach (var layer in scope.Layers)
        {
            var one = quantization.SchemeOf(
                role,
                string.Create(CultureInfo.InvariantCulture, $"layers.{layer}.{module}")
            );
            if (one.Format != WeightFormat.Bf16)
            {
                scheme = one;
                quantized++;
            }
        }

        Add(scope.As ?? role, rows, columns, perLayer * quantized, scheme);
        Add(scope.As ?? role, rows, columns, perLayer * (scope.Layers.Length - quantized), WeightScheme.Sixteen);
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
