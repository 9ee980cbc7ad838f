using System.Collections.Concurrent;

namespace Scheduler.Domain.Placement;

/// <summary>
/// Caches which GPU shapes one model fits on. Create one per (model, context, parallel sequences) and keep it. The
/// estimator is called once per distinct shape, and each snapshot converts the results into a bit plane once.
/// Thread-safe.
/// </summary>
/// <param name="fits">Whether the model fits on the shape. Must be pure; called about once per shape.</param>
public sealed class ShapeFit(Func<GpuShape, bool> fits)
{
    private readonly ConcurrentDictionary<GpuShape, bool> _verdicts = new();

    /// <summary>Every shape fits: for questions about offers without a model.</summary>
    public static ShapeFit Any { get; } = new(static _ => true);

    public bool Fits(GpuShape shape) => _verdicts.GetOrAdd(shape, fits);
}
