using System.Collections.Immutable;

namespace Scheduler.Domain.Models;

/// <summary>Port to a hub of models that has the HTTP API of Hugging Face.</summary>
public interface IModelHub
{
    /// <summary>Reads the files that describe a model, by range requests where they are large. Reads no weights.</summary>
    Task<HubReading> ReadAsync(HubRequest request, CancellationToken cancellationToken);
}

/// <param name="Repository">Hub id, <c>owner/name</c>.</param>
/// <param name="Revision">Branch, tag or commit; null for the hub's default branch.</param>
/// <param name="File">A GGUF file or its quantization (<c>Q4_K_M</c>); null when the repository has one model.</param>
/// <param name="Token">Access token of the caller; null to read without one.</param>
public sealed record HubRequest(string Repository, string? Revision, string? File, string? Token)
{
    /// <summary>Without the token.</summary>
    public override string ToString() => $"{Repository}@{Revision ?? "default"} {File}";
}

/// <summary>The files of a model, or why they could not be read.</summary>
public sealed record HubReading
{
    private HubReading(HubFiles? files, HubRefusal? refusal) => (Files, Refusal) = (files, refusal);

    public HubFiles? Files { get; }

    public HubRefusal? Refusal { get; }

    public static HubReading Of(HubFiles files) => new(files, null);

    public static HubReading Refused(HubRefusal refusal) => new(null, refusal);
}

/// <summary>What describes one model at a commit. It has either a config or a GGUF header.</summary>
/// <param name="Commit">Full hash of the commit that the files belong to.</param>
public sealed record HubFiles(string Commit)
{
    /// <summary><c>config.json</c>, or <c>params.json</c> of Mistral.</summary>
    public byte[]? ConfigJson { get; init; }

    /// <summary><c>hf_quant_config.json</c>, if there is one.</summary>
    public byte[]? QuantizationJson { get; init; }

    /// <summary><c>model.safetensors.index.json</c>, if there is one.</summary>
    public byte[]? WeightsIndex { get; init; }

    /// <summary>Headers of the safetensors files of a repository without an index.</summary>
    public ImmutableArray<byte[]> WeightsHeaders { get; init; } = [];

    /// <summary>The first bytes of a GGUF file, with its whole tensor table.</summary>
    public byte[]? GgufHeader { get; init; }

    /// <summary>The same of the further files of a split model.</summary>
    public ImmutableArray<byte[]> GgufParts { get; init; } = [];

    /// <summary>Quantization in the name of the GGUF file, as <c>llama-server</c> selects it; null when it has none.</summary>
    public string? Quantization { get; init; }

    /// <summary>Licence id of the model card; null without one.</summary>
    public string? License { get; init; }
}

/// <param name="Words">The hub's own message, or what is wrong with the files.</param>
/// <param name="Choices">What the request may name instead, for <see cref="HubCause.Ambiguous"/>.</param>
public sealed record HubRefusal(HubCause Cause, string Words, ImmutableArray<string> Choices)
{
    public HubRefusal(HubCause cause, string words)
        : this(cause, words, []) { }
}

public enum HubCause
{
    /// <summary>No such repository, or a private one that the token may not see. A hub does not tell which.</summary>
    RepositoryMissing = 1,

    RevisionMissing = 2,

    FileMissing = 3,

    /// <summary>The owner grants access on request, and the token's user has none.</summary>
    Gated = 4,

    /// <summary>The hub does not accept the token.</summary>
    TokenRefused = 5,

    /// <summary>The hub or the owner took the repository away.</summary>
    Disabled = 6,

    /// <summary>The repository has several models; the request must name one.</summary>
    Ambiguous = 7,

    /// <summary>No file describes a model that an engine can load.</summary>
    Unsupported = 8,

    /// <summary>The hub did not answer correctly; a repetition may succeed.</summary>
    Unreachable = 9,

    /// <summary>The runtime that the request names does not load the format of the model.</summary>
    WrongRuntime = 10,
}
