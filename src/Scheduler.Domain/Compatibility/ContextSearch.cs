using System.Runtime.InteropServices;

namespace Scheduler.Domain.Compatibility;

/// <summary>Finds the largest context that fits, by halving: more context never needs less memory.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct ContextSearch(
    ModelFootprint Model,
    FitRequest Request,
    EngineProfile Engine,
    int Gpus,
    long UsableBytes,
    FitOutcome AtLeast
)
{
    /// <summary>The largest context up to <paramref name="max"/>, tokens, or null when not one block fits.</summary>
    public long? Largest(long max)
    {
        if (Fits(max))
        {
            return max;
        }

        // Most often weights alone are too much; then one look is enough.
        if (!Fits(GpuFit.ContextStep))
        {
            return null;
        }

        // In blocks: `fits` always fits, `fails` never does.
        var fits = 1L;
        var fails = Divide.Up(max, GpuFit.ContextStep);
        while (fails - fits > 1)
        {
            var middle = fits + ((fails - fits) / 2);
            if (Fits(middle * GpuFit.ContextStep))
            {
                fits = middle;
            }
            else
            {
                fails = middle;
            }
        }

        return fits * GpuFit.ContextStep;
    }

    private bool Fits(long contextTokens)
    {
        var estimate = VramEstimate.Of(Model, Request, contextTokens, Gpus, Engine);
        return (AtLeast == FitOutcome.Fits ? estimate.High : estimate.Low) <= UsableBytes;
    }
}
