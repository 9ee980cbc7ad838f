using System.Collections.Concurrent;
using System.Collections.Immutable;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Runtimes;
using Scheduler.ModelFit;

namespace Scheduler.Grains.Models;

/// <summary>
/// Models for launches: the shipped catalogue first, then the account's registered models. Caches which GPU shapes
/// fit a model and launch spec, so that placement over thousands of offers judges each shape once.
/// </summary>
internal sealed class ModelLibrary(RuntimeCatalogue runtimes)
{
    /// <summary>Most cached combinations; above it the cache is cleared.</summary>
    private const int MaxFits = 10_000;

    /// <summary>GPU type of offers that are CPU hosts.</summary>
    public const string HostProcessor = "cpu";

    private readonly ConcurrentDictionary<(ModelFacts, LaunchPlan, string, bool), ShapeFit> _fits = new();

    /// <summary>Finds a model by the name a launch uses; null when there is none.</summary>
    public async ValueTask<LaunchModel?> FindAsync(AccountId account, LaunchSpec spec, IGrainFactory grains)
    {
        if (ModelCatalogue.Find(spec.Model) is { } shipped)
        {
            return Of(shipped, spec.Model);
        }

        var registered = await grains.Model(account, spec.Model).FactsAsync(account);
        return registered is { IsOk: true, Value.Facts: { } facts } ? Of(facts, registered.Value.Source) : null;

        LaunchModel Of(ModelFacts model, string source)
        {
            var read = runtimes.ArgumentsOf(spec, model);
            return new LaunchModel(model, source, spec.Runtime, read.Plan, read.Rest);
        }
    }

    /// <summary>The GPU shapes that fit a model with its launch request.</summary>
    /// <param name="isLikely">Whether the most likely need must fit; otherwise it is enough that the lower bound of the estimate fits.</param>
    public ShapeFit FitOf(LaunchModel model, bool isLikely)
    {
        if (_fits.Count > MaxFits)
        {
            _fits.Clear();
        }

        return _fits.GetOrAdd(
            (model.Facts, model.Request, model.Runtime, isLikely),
            static key => new ShapeFit(shape => Fits(key.Item1, key.Item2, key.Item3, key.Item4, shape))
        );
    }

    private static bool Fits(
        ModelFacts model,
        LaunchPlan request,
        string preset,
        bool isLikely,
        Domain.Placement.GpuShape shape
    )
    {
        // A CPU host has no VRAM limit; its operator is responsible for main memory.
        if (shape.GpuType == HostProcessor)
        {
            return request.EnginePreset != "vllm";
        }

        // The presets' images are built for CUDA; a preset for another vendor has the vendor in its name.
        return GpuCatalogue.Shipped.Find(shape.GpuType) is { } gpu
            && (gpu.IsCuda || preset.Contains(gpu.Vendor, StringComparison.OrdinalIgnoreCase))
            && GpuFit.Judge(model, request, gpu, shape.GpuCount) is { IsCompatible: true } verdict
            && (!isLikely || verdict.ExpectedBytes <= verdict.UsableBytes);
    }
}

/// <param name="Runtime">Name of the preset.</param>
/// <param name="Request">What the memory depends on.</param>
/// <param name="Arguments">The caller's runtime arguments that are not part of it.</param>
internal sealed record LaunchModel(
    ModelFacts Facts,
    string Source,
    string Runtime,
    LaunchPlan Request,
    ImmutableArray<string> Arguments
);
