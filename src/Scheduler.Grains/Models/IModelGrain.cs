using Scheduler.Domain.Compatibility;
using Scheduler.Domain.Ids;

namespace Scheduler.Grains.Models;

/// <summary>One model an account registered.</summary>
[Alias("scheduler.IModelGrain")]
[GrainInterfaceType("scheduler.model")]
public interface IModelGrain : IGrainWithStringKey
{
    /// <summary>Reads a <c>config.json</c> or GGUF header and keeps its facts. The same files again are harmless.</summary>
    [Alias("Register")]
    Task<Answer<ModelView>> RegisterAsync(RegisterModel command, CommandContext context);

    /// <summary>What is recorded.</summary>
    /// <param name="account">Whose eyes; null for an operator.</param>
    [Alias("Get"), AlwaysInterleave]
    Task<Answer<ModelView>> GetAsync(AccountId? account);

    /// <summary>The facts, for the scheduler's own checks.</summary>
    [Alias("Facts"), AlwaysInterleave]
    Task<Answer<ModelRecord>> FactsAsync(AccountId account);
}

/// <summary>What a registration brings: exactly one of a config or a GGUF header.</summary>
/// <param name="Account">Whose.</param>
/// <param name="Name">The name launches use; unique in the account.</param>
/// <param name="Source">What the runtime is told to load; null for the name.</param>
/// <param name="ConfigJson">A Hugging Face <c>config.json</c>, UTF-8.</param>
/// <param name="QuantizationJson">Its <c>hf_quant_config.json</c>, where there is one.</param>
/// <param name="GgufHeader">The first bytes of a GGUF file, as far as its tensor table.</param>
[GenerateSerializer, Immutable, Alias("scheduler.RegisterModel")]
public sealed record RegisterModel(
    [property: Id(0)] AccountId Account,
    [property: Id(1)] string Name,
    [property: Id(2)] string? Source,
    [property: Id(3)] byte[]? ConfigJson,
    [property: Id(4)] byte[]? QuantizationJson,
    [property: Id(5)] byte[]? GgufHeader
);

/// <summary>A model as it is shown.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.ModelView")]
public sealed record ModelView
{
    /// <summary>The name launches use.</summary>
    [Id(0)]
    public string Name { get; init; } = "";

    /// <summary>Whose; null for the shipped catalogue.</summary>
    [Id(1)]
    public AccountId? Account { get; init; }

    /// <summary>What the runtime is told to load.</summary>
    [Id(2)]
    public string Source { get; init; } = "";

    /// <summary>Architecture, as the file names it.</summary>
    [Id(3)]
    public string Architecture { get; init; } = "";

    /// <summary>Parameters in all.</summary>
    [Id(4)]
    public long Parameters { get; init; }

    /// <summary>Weight format it was published in.</summary>
    [Id(5)]
    public string WeightFormat { get; init; } = "";

    /// <summary>Bytes of its weights in that format.</summary>
    [Id(6)]
    public long WeightBytes { get; init; }

    /// <summary>Bytes of KV cache per token in 16 bit, all layers; 0 for models without one.</summary>
    [Id(7)]
    public long KvBytesPerToken { get; init; }

    /// <summary>Longest context it was made for, tokens.</summary>
    [Id(8)]
    public long MaxContextTokens { get; init; }

    /// <summary>When it was registered; null for the shipped catalogue.</summary>
    [Id(9)]
    public DateTimeOffset? RegisteredAt { get; init; }
}
