using Scheduler.Domain.Failures;

namespace Scheduler.Domain.Instances;

/// <summary>A request that was under way when its run ended, though the instance is on its way again by now.</summary>
/// <param name="Cause">Why the run ended.</param>
/// <param name="Reason">The line of the timeline that says so.</param>
/// <param name="ServingName">The instance.</param>
/// <param name="IsComingBack">Whether it is being started again.</param>
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
