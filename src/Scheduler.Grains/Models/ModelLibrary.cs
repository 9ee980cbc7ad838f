using System.Collections.Concurrent;
using Scheduler.Domain.Compatibility;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Placement;

namespace Scheduler.Grains.Models;

/// <summary>
/// What launches may run: an account's registered models first, then the shipped catalogue. Keeps, per way of running a model, which GPU
/// shapes fit it, so that a decision over thousands of offers judges each shape once.
/// </summary>
internal sealed class ModelLibrary
{
    /// <summary>Ways of running kept; beyond this the memory is emptied and fills again.</summary>
    private const int MaxFits = 10_000;

    /// <summary>GPU type under which a host offers its processors.</summary>
    private const string HostProcessor = "cpu";

    private readonly ConcurrentDictionary<(ModelFacts, FitRequest), ShapeFit> _fits = new();

    /// <summary>A model by the name a launch uses; null when there is none.</summary>
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

    /// <summary>Which GPU shapes fit a model run so.</summary>
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
        // A processor has no VRAM to exceed; the host's own memory is its operator's to judge.
        if (shape.GpuType == HostProcessor)
        {
            return request.EnginePreset != "vllm";
        }

        // The presets' images are built for CUDA; a preset for other vendors says so in its name.
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

/// <summary>A model, and how a launch wants to run it.</summary>
/// <param name="Facts">What it is.</param>
/// <param name="Source">What the runtime is told to load.</param>
/// <param name="Request">How it is to run.</param>
internal sealed record LaunchModel(ModelFacts Facts, string Source, FitRequest Request);
