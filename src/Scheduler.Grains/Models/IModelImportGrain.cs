using Scheduler.Domain.Ids;

namespace Scheduler.Grains.Models;

[Alias("scheduler.IModelImportGrain")]
[GrainInterfaceType("scheduler.model_import")]
public interface IModelImportGrain : IGrainWithStringKey
{
    /// <summary>Reads a model from the hub and registers it. Takes as long as the hub does, up to the limit of the hub.</summary>
    [Alias("Import"), ResponseTimeout("00:06:00")]
    Task<Answer<ModelView>> ImportAsync(ImportModel command, CommandContext context);
}

/// <param name="Repository">Hub id, <c>owner/name</c>.</param>
/// <param name="Revision">Branch, tag or commit; null for the hub's default.</param>
/// <param name="Name">The name launches use; null for the id.</param>
/// <param name="File">A GGUF file or its quantization; null for the only model.</param>
/// <param name="Runtime">Preset that must be able to load it; null for none.</param>
/// <param name="TokenSecret">Secret of the account with an access token of the hub; null to read without one.</param>
[GenerateSerializer, Immutable, Alias("scheduler.ImportModel")]
public sealed record ImportModel(
    [property: Id(0)] AccountId Account,
    [property: Id(1)] string Repository,
    [property: Id(2)] string? Revision,
    [property: Id(3)] string? Name,
    [property: Id(4)] string? File,
    [property: Id(5)] string? Runtime,
    [property: Id(6)] string? TokenSecret = null
);
