using Scheduler.Domain.Ids;
using Scheduler.Domain.Models;
using Scheduler.ModelFit;

namespace Scheduler.Grains.Models;

/// <summary>What the starts of one model in one account showed about its memory.</summary>
[Alias("scheduler.IModelMemoryGrain")]
[GrainInterfaceType("scheduler.model_memory")]
public interface IModelMemoryGrain : IGrainWithStringKey
{
    /// <param name="account">Of the model.</param>
    [Alias("Get"), AlwaysInterleave]
    Task<ModelMemoryRecord> GetAsync(AccountId account);

    /// <summary>A start serves. Repeating it changes nothing.</summary>
    [Alias("Served")]
    Task ServedAsync(ModelStart start, StartFigures? figures);

    /// <summary>A start or a run ended out of the GPU's memory. Repeating it changes nothing.</summary>
    [Alias("Ended")]
    Task EndedAsync(ModelStart start);
}

/// <param name="Model">The name that launches use.</param>
/// <param name="Plan">What was started, on these GPUs.</param>
/// <param name="GpuType">Catalogue name.</param>
[GenerateSerializer, Immutable, Alias("scheduler.ModelStart")]
public sealed record ModelStart(
    [property: Id(0)] AccountId Account,
    [property: Id(1)] string Model,
    [property: Id(2)] LaunchPlan Plan,
    [property: Id(3)] string GpuType,
    [property: Id(4)] int Gpus
);
