using System.Text.Json.Serialization;
using Scheduler.Domain.Runtimes;

namespace Scheduler.Providers.Process;

/// <summary>What is written down about a child before it is started: enough to find it again, and to know that it is ours.</summary>
internal sealed record ProcessRecord
{
    public required string Key { get; init; }
    public required string Cluster { get; init; }
    public required string Instance { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Which boot of this host: process ids and start times of another boot mean nothing.</summary>
    public required string BootId { get; init; }
    public required int Port { get; init; }
    public required string HealthPath { get; init; }

    /// <summary>How its tokenizer is asked; null where its preset names none.</summary>
    public RuntimeTokenizer? Tokenizer { get; init; }

    /// <summary>GPUs given to it, by UUID; empty on the CPU.</summary>
    public IReadOnlyList<string> Gpus { get; init; } = [];

    /// <summary>Whether it takes a place of the CPU offer.</summary>
    public bool IsCpu { get; init; }
}

/// <summary>Source-generated JSON of the records.</summary>
[JsonSerializable(typeof(ProcessRecord))]
internal sealed partial class ProcessJson : JsonSerializerContext;
