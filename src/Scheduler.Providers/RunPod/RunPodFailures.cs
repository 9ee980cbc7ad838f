using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;
using Scheduler.Providers.Http;

namespace Scheduler.Providers.RunPod;

/// <summary>Maps RunPod's answers and logs to rejections and exits.</summary>
internal static class RunPodFailures
{
    /// <summary>
    /// RunPod refuses a broken rule and missing capacity alike, with 400; only the words tell which. Words as users quote them from the
    /// console and the older APIs.
    /// </summary>
    private static readonly ImmutableArray<string> NoCapacity =
    [
        "no longer any instances available",
        "no instances available",
        "not have the resources",
        "out of stock",
        "no available",
        "not available",
        "unavailable",
        "capacity",
        "could not be placed",
        "could not find",
    ];

    /// <summary>Faults of a host that look like a pull that goes on for ever.</summary>
    private static readonly ImmutableArray<string> HostFaults =
    [
        "layer does not exist",
        "cannot be mapped to a host ID",
    ];

    /// <summary>The outcome that an answer to a create request states.</summary>
    /// <exception cref="VendorException">The outcome is not known.</exception>
    internal static CreateAnswer? RefusalOf(VendorAnswer answer)
    {
        var words = answer.IsSuccess ? "" : answer.Error.Words;
        return answer.Status switch
        {
            >= 200 and <= 299 => null,
            400 or 404 => CreateAnswer.Refused(
                IsNoCapacity(words) ? RejectionKind.OutOfStock : RejectionKind.InvalidRequest,
                words
            ),
            // No credit, or a pool that the account may not use: an offer of another pool or provider may help.
            402 or 403 => CreateAnswer.Refused(RejectionKind.Quota, words),
            422 => CreateAnswer.Refused(RejectionKind.InvalidRequest, words),
            429 => CreateAnswer.Later,
            _ => throw answer.Failure(),
        };
    }

    /// <summary>What a new pod has less, or costs more, than the offer said; null when it is as offered.</summary>
    internal static string? FaultOf(JsonElement pod, RunPodOfferId asked, Offer offer)
    {
        var gpu = pod.Member("gpu");
        if (gpu?.Text("id") is { } id && id != asked.Gpu)
        {
            return $"RunPod gave {VendorWords.Clean(id)} instead of {asked.Gpu}";
        }

        if (gpu?.Whole("count") is { } count && count != asked.Count)
        {
            return string.Create(CultureInfo.InvariantCulture, $"RunPod gave {count} GPUs instead of {asked.Count}");
        }

        return pod.Decimal("cost") is { } cost && VendorPrice.IsOver(cost, offer)
            ? string.Create(CultureInfo.InvariantCulture, $"RunPod charges {cost:0.####} USD/h, more than it offered")
            : null;
    }

    /// <summary>A failed pull of the image, in the log of the host; null when the log shows none.</summary>
    internal static RuntimeExit? PullFaultOf(string systemLog)
    {
        var fault = HostFaults.FirstOrDefault(words => systemLog.Contains(words, StringComparison.OrdinalIgnoreCase));
        var exit = new RuntimeExit
        {
            ProviderReason = fault is null ? null : $"ImagePullBackOff: the host reports '{fault}'",
            OutputTail = systemLog,
        };
        return ExitDiagnosis.Diagnose(exit, wasServing: false) == FailureCode.ImagePullFailed ? exit : null;
    }

    private static bool IsNoCapacity(string words) =>
        NoCapacity.Any(sign => words.Contains(sign, StringComparison.OrdinalIgnoreCase));
}
