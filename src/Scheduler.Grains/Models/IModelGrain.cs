using System.Collections.Immutable;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Models;

namespace Scheduler.Grains.Models;

[Alias("scheduler.IModelGrain")]
[GrainInterfaceType("scheduler.model")]
public interface IModelGrain : IGrainWithStringKey
{
    /// <summary>Stores the facts of a <c>config.json</c> or GGUF header. Idempotent.</summary>
    [Alias("Register")]
    Task<Answer<ModelView>> RegisterAsync(RegisterModel command, CommandContext context);

    /// <param name="account">Account of the caller; null means all accounts (operator).</param>
    [Alias("Get"), AlwaysInterleave]
    Task<Answer<ModelView>> GetAsync(AccountId? account);

    [Alias("Facts"), AlwaysInterleave]
    Task<Answer<ModelRecord>> FactsAsync(AccountId account);
}

/// <summary>A model registration: exactly one of a config or a GGUF header.</summary>
/// <param name="Name">The name launches use; unique in the account.</param>
/// <param name="Source">What the runtime loads; null for the name.</param>
/// <param name="ConfigJson">A Hugging Face <c>config.json</c>, UTF-8.</param>
/// <param name="QuantizationJson">Its <c>hf_quant_config.json</c>, if any.</param>
/// <param name="GgufHeader">The first bytes of a GGUF file, up to the end of its tensor table.</param>
/// <param name="WeightsIndex">Its <c>model.safetensors.index.json</c>, if any.</param>
/// <param name="WeightsHeaders">The first bytes of each of its safetensors files, if given.</param>
/// <param name="GgufParts">The same as <paramref name="GgufHeader"/> for each further file of a split model.</param>
[GenerateSerializer, Immutable, Alias("scheduler.RegisterModel")]
public sealed record RegisterModel(
    [property: Id(0)] AccountId Account,
    [property: Id(1)] string Name,
    [property: Id(2)] string? Source,
    [property: Id(3)] byte[]? ConfigJson,
    [property: Id(4)] byte[]? QuantizationJson,
    [property: Id(5)] byte[]? GgufHeader,
    [property: Id(6)] byte[]? WeightsIndex = null,
    [property: Id(7)] ImmutableArray<byte[]> WeightsHeaders = default,
    [property: Id(8)] ImmutableArray<byte[]> GgufParts = default
);

[GenerateSerializer, Immutable, Alias("scheduler.ModelView")]
public sealed record ModelView
{
    [Id(0)]
    public string Name { get; init; } = "";

    /// <summary>Null for the shipped catalogue.</summary>
    [Id(1)]
    public AccountId? Account { get; init; }

    /// <summary>What the runtime loads.</summary>
    [Id(2)]
    public string Source { get; init; } = "";

    [Id(3)]
    public string Architecture { get; init; } = "";

    [Id(4)]
    public long Parameters { get; init; }

    [Id(5)]
    public string WeightFormat { get; init; } = "";

    /// <summary>Weight size in that format, bytes.</summary>
    [Id(6)]
    public long WeightBytes { get; init; }

    /// <summary>KV cache bytes per token in 16 bit, all layers; 0 for models without one.</summary>
    [Id(7)]
    public long KvBytesPerToken { get; init; }

    /// <summary>Longest supported context, tokens.</summary>
    [Id(8)]
    public long MaxContextTokens { get; init; }

    /// <summary>Null for the shipped catalogue.</summary>
    [Id(9)]
    public DateTimeOffset? RegisteredAt { get; init; }

    /// <summary>Why the figures are uncertain; empty when they are not.</summary>
    [Id(10)]
    public ImmutableArray<string> Doubts { get; init; } = [];

    /// <summary>Bounds of the weights, bytes; equal to the size when there is no doubt.</summary>
    [Id(11)]
    public long LeastWeightBytes { get; init; }

    [Id(12)]
    public long MostWeightBytes { get; init; }
}
