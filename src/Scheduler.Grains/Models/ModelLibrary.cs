using System.Collections.Concurrent;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Placement;
using Scheduler.ModelFit;

namespace Scheduler.Grains.Models;

/// <summary>
/// Models for launches: the shipped catalogue first, then the account's registered models. Caches which GPU shapes
/// fit a model and launch spec, so that placement over thousands of offers judges each shape once.
/// </summary>
internal sealed class ModelLibrary
{
    /// <summary>Most cached combinations; above it the cache is cleared.</summary>
    private const int MaxFits = 10_000;

    /// <summary>GPU type of offers that are CPU hosts.</summary>
    public const string HostProcessor = "cpu";

    private readonly ConcurrentDictionary<(ModelFacts, FitRequest), ShapeFit> _fits = new();

    /// <summary>Finds a model by the name a launch uses; null when there is none.</summary>
    public static async ValueTask<LaunchModel?> FindAsync(AccountId account, LaunchSpec spec, IGrainFactory grains)
    {
        if (ModelCatalogue.Find(spec.Model) is { } shipped)
        {
            return new LaunchModel(shipped, spec.Model, RequestOf(shipped, spec));
        }

        var registered = await grains.Model(account, spec.Model).FactsAsync(account);
        return registered is { IsOk: true, Value.Facts: { } facts }
            ? new LaunchModel(facts, registered.Value.Source, RequestOf(facts, spec))
            : null;
    }

    /// <summary>The GPU shapes that fit a model with its launch request.</summary>
    public ShapeFit FitOf(LaunchModel model)
    {
        if (_fits.Count > MaxFits)
        {
            _fits.Clear();
        }

        return _fits.GetOrAdd(
            (model.Facts, model.Request),
            static key => new ShapeFit(shape => Fits(key.Item1, key.Item2, shape))
        );
    }

    private static bool Fits(ModelFacts model, FitRequest request, Domain.Placement.GpuShape shape)
    {
        // A CPU host has no VRAM limit; its operator is responsible for main memory.
        if (shape.GpuType == HostProcessor)
        {
            return request.EnginePreset != "vllm";
        }

        // The presets' images are built for CUDA; a preset for another vendor has the vendor in its name.
        return GpuCatalogue.Shipped.Find(shape.GpuType) is { } gpu
            && (gpu.IsCuda || request.EnginePreset.Contains(gpu.Vendor, StringComparison.OrdinalIgnoreCase))
            && GpuFit.Judge(model, request, gpu, shape.GpuCount).IsCompatible;
    }

    private static FitRequest RequestOf(ModelFacts facts, LaunchSpec spec)
    {
        FormatNames.TryWeight(spec.WeightFormat, out var format);
        FormatNames.TryKv(spec.KvFormat, facts.PublishedKvFormat, out var kv);
        return new FitRequest(format, kv, spec.ContextTokens, spec.ParallelSequences, spec.Runtime);
    }
}

internal sealed record LaunchModel(ModelFacts Facts, string Source, FitRequest Request);
