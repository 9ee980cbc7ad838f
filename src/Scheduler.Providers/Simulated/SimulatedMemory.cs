using Scheduler.Domain.Placement;
using Scheduler.Domain.Runtimes;
using Scheduler.ModelFit;

namespace Scheduler.Providers.Simulated;

/// <summary>
/// The memory that a simulated runtime really needs. Weights and overhead are as estimated. The true size of the KV
/// cache is known to the provider only: a rule sets it, and the scheduler learns of it when the runtime dies.
/// </summary>
internal static class SimulatedMemory
{
    /// <summary>Whether the runtime runs out of memory when it loads the model.</summary>
    /// <returns>False for a model or a GPU that the catalogue does not know.</returns>
    internal static bool IsExceeded(RuntimeSpec runtime, Offer offer, double cacheFactor)
    {
        if (
            ModelCatalogue.Find(runtime.Model) is not { } model
            || GpuCatalogue.Shipped.Find(offer.GpuType) is not { } gpu
        )
        {
            return false;
        }

        var request =
            runtime.Plan
            ?? new LaunchPlan(
                null,
                model.PublishedKvFormat,
                runtime.ContextTokens,
                runtime.ParallelSequences,
                runtime.Preset
            );
        if (GpuFit.Budget(model, request, offer.GpuCount) is not { } budget)
        {
            return false;
        }

        var cache = budget.Lines.Where(line => line.Purpose == VramPurpose.KvCache).Sum(line => line.ExpectedBytes);
        var needed = budget.ExpectedBytes - cache + (cache * cacheFactor);
        return needed > GpuFit.UsableBytes(gpu, request);
    }
}
