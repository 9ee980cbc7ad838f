using System.Runtime.InteropServices;

namespace Scheduler.ModelFit;

/// <summary>Binary search for the largest context that fits; more context never needs less memory.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct ContextSearch(
    ModelFootprint Model,
    LaunchPlan Request,
    EngineProfile Engine,
    int Gpus,
    long UsableBytes,
    FitOutcome AtLeast,
    MemoryLesson? Lesson
)
{
    /// <summary>The largest context up to <paramref name="max"/>, tokens, or null when not one block fits.</summary>
    public long? Largest(long max)
    {
        if (Fits(max))
        {
            return max;
        }

        // Most often the weights alone are too large; then this one check is enough.
        if (!Fits(GpuFit.ContextStep))
        {
            return null;
        }

        // In blocks. Invariant: `fits` fits, `fails` does not.
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
        var estimate = VramEstimate.Of(Model, Request, contextTokens, Gpus, Engine, Lesson);
        return (AtLeast == FitOutcome.Fits ? estimate.High : estimate.Low) <= UsableBytes;
    }
}
