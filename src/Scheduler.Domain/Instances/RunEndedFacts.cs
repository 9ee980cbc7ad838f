using Scheduler.Domain.Failures;

namespace Scheduler.Domain.Instances;

/// <summary>A request in progress when its run ended; the instance may be starting again by now.</summary>
/// <param name="Cause">The failure code that ended the run.</param>
/// <param name="Reason">The reason of the timeline event that ended the run.</param>
public sealed record RunEndedFacts(FailureCode Cause, string Reason, string ServingName, bool IsComingBack)
    : FailureFacts(Cause)
{
    /// <inheritdoc/>
    protected internal override FailureText Describe() =>
        new(
            Reason,
            IsComingBack
                ? $"'{ServingName}' is being started on another route: try again when it is running."
                : FailureCatalogue.Definition(Cause).Remedy,
            Details(("serving_name", ServingName))
        );
}
