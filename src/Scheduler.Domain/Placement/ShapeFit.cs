using System.Collections.Concurrent;

namespace Scheduler.Domain.Placement;

/// <summary>
/// Which GPU shapes one model fits on, remembered. Make one per (model, context, parallel sequences) and keep it: the estimator
/// is asked once per distinct shape, ever, and each snapshot turns the verdicts into a bit plane once. Thread-safe.
/// </summary>
/// <param name="fits">Pure: whether the model fits on the shape. Asked once per shape.</param>
public sealed class ShapeFit(Func<GpuShape, bool> fits)
{
    private readonly ConcurrentDictionary<GpuShape, bool> _verdicts = new();

    /// <summary>Everything fits: for questions about offers alone.</summary>
    public static ShapeFit Any { get; } = new(static _ => true);

    /// <summary>Whether the model fits on the shape.</summary>
    /// <param name="shape">From an offer.</param>
    public bool Fits(GpuShape shape) => _verdicts.GetOrAdd(shape, fits);
}
