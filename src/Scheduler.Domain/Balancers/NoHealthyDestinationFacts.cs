using System.Collections.Immutable;
using System.Globalization;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Instances;

namespace Scheduler.Domain.Balancers;

/// <param name="Destinations">All destinations of the request, each with the reason why it takes no request.</param>
public sealed record NoHealthyDestinationFacts(
    string ServingName,
    ImmutableArray<DestinationOut> Destinations,
    DateTimeOffset Now
) : FailureFacts(FailureCode.NoHealthyDestination)
{
    /// <summary>Maximum number of names in a hint; the details contain all.</summary>
    private const int NamesInHint = 3;

    /// <summary>Seconds after which a destination that boots, or that its probes took out, may be back.</summary>
    private const int RetrySeconds = 10;

    /// <inheritdoc/>
    protected internal override FailureText Describe()
    {
        (string, object?)[] details =
        [
            ("balancer", ServingName),
            ("destinations_total", Destinations.Length),
            ("retry_after_seconds", SecondsLeft() ?? (Destinations.Any(MayComeBack) ? RetrySeconds : null)),
            .. Destinations.Select(destination =>
                ($"destination.{destination.ServingName}", (object?)Describe(destination))
            ),
        ];
        var named = Destinations.Select(destination => $"{destination.ServingName} ({Describe(destination)})");
        return new FailureText(
            Destinations.IsEmpty
                ? $"No enabled route of the balancer {ServingName} leads to a destination."
                : $"No destination of the balancer {ServingName} takes requests: {string.Join("; ", named)}.",
            Hint(),
            Details(details)
        );
    }

    private static string Describe(DestinationOut destination) =>
        destination.Why switch
        {
            OutReason.Unknown => "no instance has this name",
            OutReason.NotRunning => destination.Code == FailureCode.None
                ? Word(destination.State)
                : $"{Word(destination.State)}: {destination.Code.WireName()}",
            OutReason.Ejected => "ejected until "
                + destination.Until?.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
            OutReason.ProbeFailed => $"its probe fails: {destination.ProbeError}",
            OutReason.Tried => "failed this request before its first byte",
            _ => throw new System.Diagnostics.UnreachableException(),
        };

    private static string Word(InstanceState? state) => state?.WireName() ?? "not running";

    /// <summary>Fastest remedy first: waiting, then starting, repairing, and renaming.</summary>
    private string Hint()
    {
        var parts = new List<string>();
        if (NamesOf(d => d.Why == OutReason.NotRunning && IsComing(d.State)) is { } coming)
        {
            parts.Add($"Wait until {coming} runs and try again.");
        }

        if (SecondsLeft() is { } seconds)
        {
            var next = Destinations.Where(d => d.Why == OutReason.Ejected).MinBy(d => d.Until)!;
            parts.Add($"Try again in {seconds} s, when `{next.ServingName}` is let in again.");
        }

        if (NamesOf(d => d.Why == OutReason.NotRunning && d.Code == FailureCode.None && !IsComing(d.State)) is { } idle)
        {
            parts.Add($"Start {idle}.");
        }

        if (Destinations.FirstOrDefault(d => d.Why == OutReason.NotRunning && d.Code != FailureCode.None) is { } failed)
        {
            parts.Add($"Repair `{failed.ServingName}`, which failed with {failed.Code.WireName()}: {failed.Hint}");
        }

        if (NamesOf(d => d.Why is OutReason.ProbeFailed or OutReason.Tried) is { } ill)
        {
            parts.Add($"Look into the runtime of {ill}, or stop it and start it again.");
        }

        if (parts.Count == 0 && NamesOf(d => d.Why == OutReason.Unknown) is { } unknown)
        {
            parts.Add(
                $"Create and start {unknown}, or let the routes of `{ServingName}` lead to instances that are there."
            );
        }

        return parts.Count > 0
            ? string.Join(' ', parts)
            : $"Give `{ServingName}` an enabled route that leads to an instance.";
    }

    private string? NamesOf(Func<DestinationOut, bool> isMeant)
    {
        var names = Destinations.Where(isMeant).Select(d => $"`{d.ServingName}`").Take(NamesInHint).ToList();
        return names.Count == 0 ? null : string.Join(" or ", names);
    }

    /// <summary>Whether it may take requests again without anybody's action.</summary>
    private static bool MayComeBack(DestinationOut destination) =>
        destination.Why is OutReason.ProbeFailed or OutReason.Tried
        || (destination.Why == OutReason.NotRunning && IsComing(destination.State));

    private static bool IsComing(InstanceState? state) =>
        state is InstanceState.Checking or InstanceState.Provisioning or InstanceState.Starting;

    private int? SecondsLeft() =>
        Destinations.Where(d => d.Why == OutReason.Ejected).Min(d => d.Until) is { } until
            ? (int)Math.Max(Math.Ceiling((until - Now).TotalSeconds), 1)
            : null;
}

/// <param name="State">Null when there is no instance.</param>
/// <param name="Code">Failure code of its instance, if it failed.</param>
public sealed record DestinationOut(
    string ServingName,
    OutReason Why,
    InstanceState? State = null,
    FailureCode Code = FailureCode.None,
    string? Hint = null,
    DateTimeOffset? Until = null,
    string? ProbeError = null
);

public enum OutReason
{
    /// <summary>No instance of the account has the name.</summary>
    Unknown = 1,

    NotRunning = 2,

    Ejected = 3,

    ProbeFailed = 4,

    /// <summary>This request already failed there.</summary>
    Tried = 5,
}
