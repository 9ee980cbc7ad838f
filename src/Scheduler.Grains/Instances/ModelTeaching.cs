using Microsoft.Extensions.Logging;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Models;
using Scheduler.Domain.Runtimes.Starts;
using Scheduler.Grains.Models;

namespace Scheduler.Grains.Instances;

/// <summary>
/// What starts teach about the memory of a model: reads it for a launch, and reports it after one. A launch is possible without it.
/// </summary>
internal sealed partial class ModelTeaching(
    ModelLibrary models,
    InstanceProviderCalls provider,
    ILogger<ModelTeaching> logger
)
{
    /// <summary>The model of an instance, whose estimate includes what starts showed; null when there is none.</summary>
    /// <param name="past">Failures of the instance itself.</param>
    public async ValueTask<LaunchModel?> ModelOfAsync(InstanceRecord record, PastFailures? past, IGrainFactory grains)
    {
        if (await models.FindAsync(record.Account, record.Spec, grains) is not { } model)
        {
            return null;
        }

        var memory = await MemoryOfAsync(record, grains);
        return memory.IsEmpty && past is null
            ? model
            : model with
            {
                Request = memory.Teach(model.Facts, model.Request, past?.OutOfMemory() ?? []),
            };
    }

    /// <summary>Reports what the runtime of a run that serves says about its memory.</summary>
    public async Task ServesAsync(InstanceRecord record, IGrainFactory grains, CancellationToken cancellationToken)
    {
        if (StartOf(record) is { } start)
        {
            var output = await provider.TryReadOutputAsync(record, cancellationToken);
            var metrics = await provider.TryReadMetricsAsync(record, cancellationToken);
            await grains
                .ModelMemory(record.Account, record.Spec.Model)
                .ServedAsync(start, StartReport.Read(output, metrics));
        }
    }

    /// <summary>Reports a run that ended out of the GPU's memory, without waiting. A lost report costs one more such end.</summary>
    public static void Died(InstanceRecord record, IGrainFactory grains)
    {
        if (StartOf(record) is { } start)
        {
            grains.ModelMemory(record.Account, record.Spec.Model).EndedAsync(start).Ignore();
        }
    }

    private static ModelStart? StartOf(InstanceRecord record) =>
        record.Intent is { Plan: { } plan, Offer: var offer }
            ? new ModelStart(record.Account, record.Spec.Model, plan, offer.GpuType, offer.GpuCount)
            : null;

    private async Task<ModelMemoryRecord> MemoryOfAsync(InstanceRecord record, IGrainFactory grains)
    {
        try
        {
            return await grains.ModelMemory(record.Account, record.Spec.Model).GetAsync(record.Account);
        }
        catch (Exception exception)
        {
            LogForgotten(exception, record.Spec.Model, record.Id);
            return new ModelMemoryRecord();
        }
    }

    [LoggerMessage(
        1009,
        LogLevel.Warning,
        "Instance {Instance}: what starts of {Model} showed cannot be read; it is judged without"
    )]
    private partial void LogForgotten(Exception exception, string model, InstanceId instance);
}
