using System.Collections.Immutable;
using System.Globalization;
using Scheduler.Domain.Placement;

namespace Scheduler.Domain.Instances;

/// <summary>The differences between two specs, as text: as a list of fields, and as an instruction.</summary>
internal static class SpecChanges
{
    private const string Any = "any";

    private static readonly ImmutableArray<Part> Parts =
    [
        new(
            "constraints.gpu_type",
            "GPU type",
            spec => spec.Constraints.GpuType ?? Any,
            (_, to) => $"start on {Gpus(to.Constraints)}"
        ),
        new(
            "constraints.gpu_count",
            "GPU count",
            spec => spec.Constraints.GpuCount?.ToString(CultureInfo.InvariantCulture) ?? Any,
            // The instruction for a change of the type already contains the count.
            (from, to) => from.Constraints.GpuType == to.Constraints.GpuType ? $"start on {Gpus(to.Constraints)}" : null
        ),
        new("constraints.max_price_per_hour_micro_eur", "max price", spec => Price(spec.Constraints), PriceInstruction),
        new(
            "constraints.regions",
            "regions",
            spec => List(spec.Constraints.Regions),
            (from, to) => ListInstruction("region", from.Constraints.Regions, to.Constraints.Regions)
        ),
        new(
            "constraints.minimum_tier",
            "lowest tier",
            spec => spec.Constraints.MinimumTier.Word(),
            (_, to) => $"accept the tier {to.Constraints.MinimumTier.Word()}"
        ),
        new(
            "constraints.spot_allowed",
            "spot capacity",
            spec => spec.Constraints.SpotAllowed ? "allowed" : "not allowed",
            (_, to) => to.Constraints.SpotAllowed ? "allow spot capacity" : "disallow spot capacity"
        ),
        new(
            "constraints.require_encrypted_path",
            "path to the runtime",
            spec => spec.Constraints.RequireEncryptedPath ? "encrypted" : Any,
            (_, to) =>
                to.Constraints.RequireEncryptedPath
                    ? "require an encrypted path to the runtime"
                    : "accept a path without encryption"
        ),
        new(
            "constraints.providers",
            "providers",
            spec => List(spec.Constraints.Providers),
            (from, to) => ListInstruction("provider", from.Constraints.Providers, to.Constraints.Providers)
        ),
        new(
            "context_tokens",
            "context",
            spec => Tokens(spec.ContextTokens),
            (from, to) => $"{Verb(to.ContextTokens > from.ContextTokens)} the context to {Tokens(to.ContextTokens)}"
        ),
        new(
            "parallel_sequences",
            "parallel sequences",
            spec => spec.ParallelSequences.ToString("N0", CultureInfo.InvariantCulture),
            (from, to) =>
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{Verb(to.ParallelSequences > from.ParallelSequences)} the parallel sequences to {to.ParallelSequences:N0}"
                )
        ),
        new(
            "sequences_at_once",
            "sequences at once",
            spec => spec.SequencesAtOnce?.ToString("N0", CultureInfo.InvariantCulture) ?? "the engine's default",
            (_, to) =>
                to.SequencesAtOnce is { } most
                    ? string.Create(CultureInfo.InvariantCulture, $"set the sequences at once to {most:N0}")
                    : "leave the sequences at once to the engine"
        ),
        new(
            "weight_format",
            "weight format",
            spec => spec.WeightFormat ?? "as published",
            (_, to) => $"take the weights in {to.WeightFormat ?? "the published format"}"
        ),
        new(
            "start_timeout",
            "start timeout",
            spec => Seconds(spec.StartTimeout),
            (from, to) =>
                $"{Verb(!(to.StartTimeout < from.StartTimeout))} the start timeout to {Seconds(to.StartTimeout)}"
        ),
        new("model", "model", spec => spec.Model, (_, to) => $"run the model {to.Model}"),
    ];

    public static ImmutableArray<RemedyChange> Between(LaunchSpec from, LaunchSpec to) =>
        [
            .. Parts
                .Select(part => new RemedyChange(part.Path, part.Field, part.Format(from), part.Format(to)))
                .Where(change => !string.Equals(change.From, change.To, StringComparison.Ordinal)),
        ];

    /// <summary>For example <c>Allow spot capacity and add the region eu-north</c>.</summary>
    /// <param name="to">Must differ.</param>
    public static string Instruction(LaunchSpec from, LaunchSpec to)
    {
        var all = string.Join(
            " and ",
            Parts
                .Where(part => !string.Equals(part.Format(from), part.Format(to), StringComparison.Ordinal))
                .Select(part => part.Instruction(from, to))
                .OfType<string>()
        );
        return char.ToUpperInvariant(all[0]) + all[1..];
    }

    private static string Verb(bool isMore) => isMore ? "raise" : "reduce";

    private static string Tokens(long count) =>
        string.Create(CultureInfo.InvariantCulture, $"{count:N0} {(count == 1 ? "token" : "tokens")}");

    private static string Seconds(TimeSpan? wait) =>
        wait is { } length
            ? string.Create(CultureInfo.InvariantCulture, $"{length.TotalSeconds:0.#######} s")
            : "as configured";

    private static string Price(SmartConstraints constraints) =>
        constraints.MaxPricePerHour is { } most ? $"{most} EUR/h" : Any;

    private static string? PriceInstruction(LaunchSpec from, LaunchSpec to)
    {
        var verb =
            from.Constraints.MaxPricePerHour is not { } before ? "set"
            : to.Constraints.MaxPricePerHour < before ? "lower"
            : "raise";
        return to.Constraints.MaxPricePerHour is { } after
            ? $"{verb} the max price to {after} EUR/h"
            : "accept any price";
    }

    private static string List(ImmutableArray<string> items) => items.IsEmpty ? Any : string.Join(", ", items);

    private static string ListInstruction(string noun, ImmutableArray<string> from, ImmutableArray<string> to)
    {
        var added = to.Except(from, StringComparer.Ordinal).ToList();
        return to.IsEmpty
            ? $"allow any {noun}"
            : $"add the {noun}{(added.Count == 1 ? "" : "s")} {string.Join(", ", added)}";
    }

    private static string Gpus(SmartConstraints wish) =>
        (wish.GpuType, wish.GpuCount) switch
        {
            ({ } type, { } count) => $"{count}×{type}",
            ({ } type, null) => type,
            (null, { } count) => $"{count} {(count == 1 ? "GPU" : "GPUs")}",
            _ => "any GPU",
        };

    /// <param name="Path">Name in the API, below <c>spec</c>.</param>
    /// <param name="Format">Formats its value; different values give different text.</param>
    /// <param name="Instruction">Instruction for the change; null where another field's contains it.</param>
    private sealed record Part(
        string Path,
        string Field,
        Func<LaunchSpec, string> Format,
        Func<LaunchSpec, LaunchSpec, string?> Instruction
    );
}
