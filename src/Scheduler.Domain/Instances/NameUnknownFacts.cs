using Scheduler.Domain.Failures;

namespace Scheduler.Domain.Instances;

/// <summary>A request to a serving name that no instance or balancer of the account has.</summary>
/// <param name="ServingName">The name; already validated as well formed.</param>
public sealed record NameUnknownFacts(string ServingName) : FailureFacts(FailureCode.ModelNotFound)
{
    /// <inheritdoc/>
    protected internal override FailureText Describe() =>
        new(
            $"No instance or balancer of this account has the serving name '{ServingName}'.",
            "List them with GET /v1/models and send one of their ids as `model`.",
            Details(("serving_name", ServingName))
        );
}
