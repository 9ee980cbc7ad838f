using System.Text.Json.Serialization;
using Scheduler.Domain.Runtimes;

namespace Scheduler.Providers.Process;

/// <summary>Written before the child starts, so that a later scheduler finds the child and knows its owner.</summary>
internal sealed record ProcessRecord
{
    public required string Key { get; init; }
    public required string Cluster { get; init; }
    public required string Instance { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Boot id of this host: process ids and start times are only valid within one boot.</summary>
    public required string BootId { get; init; }
    public required int Port { get; init; }
    public required string HealthPath { get; init; }

    /// <summary>Null if the preset has no tokenizer.</summary>
    public RuntimeTokenizer? Tokenizer { get; init; }

    /// <summary>The variable with the runtime key; null for a runtime without one.</summary>
    public string? KeyVariable { get; init; }

    /// <summary>UUIDs of its GPUs; empty on the CPU.</summary>
    public IReadOnlyList<string> Gpus { get; init; } = [];

    /// <summary>Whether its GPUs are AMD's, which another variable makes visible.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool IsAmd { get; init; }

    /// <summary>Whether it uses a slot of the CPU offer.</summary>
    public bool IsCpu { get; init; }
}

[JsonSerializable(typeof(ProcessRecord))]
internal sealed partial class ProcessJson : JsonSerializerContext;
