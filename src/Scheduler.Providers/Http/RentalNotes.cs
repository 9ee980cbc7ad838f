using System.Text.Json;
using System.Text.Json.Serialization;
using Scheduler.Domain.Runtimes;

namespace Scheduler.Providers.Http;

/// <summary>What later observations of an allocation need; stored in its journal entry. It holds no secrets.</summary>
internal sealed record RentalNotes
{
    /// <summary>Port of the runtime in its container.</summary>
    public int Port { get; init; }

    public string HealthPath { get; init; } = "/health";

    public RuntimeTokenizer? Tokenizer { get; init; }

    /// <summary>When it was made; the vendor's time where it tells one.</summary>
    public DateTimeOffset? MadeAt { get; init; }

    /// <summary>When the runtime was first healthy; null before.</summary>
    public DateTimeOffset? ReadyAt { get; init; }

    /// <summary>How the runtime ended; null while it has not.</summary>
    public NotedExit? Exit { get; init; }

    internal static RentalNotes Read(string json) =>
        JsonSerializer.Deserialize(json, RentalJson.Default.RentalNotes) ?? new RentalNotes();

    internal string Write() => JsonSerializer.Serialize(this, RentalJson.Default.RentalNotes);
}

internal sealed record NotedExit(int? ExitCode, string? Reason, string OutputTail)
{
    /// <summary>Kept part of the output, characters.</summary>
    internal const int MaxTailChars = 16 << 10;

    internal static NotedExit Of(RuntimeExit exit) =>
        new(exit.ExitCode, exit.ProviderReason, OutputExcerpt.Of(exit.OutputTail, MaxTailChars));

    internal RuntimeExit ToExit() =>
        new()
        {
            ExitCode = ExitCode,
            ProviderReason = Reason,
            OutputTail = OutputTail,
        };
}

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(RentalNotes))]
internal sealed partial class RentalJson : JsonSerializerContext;
