using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Instances;

/// <summary>A request to an instance that is not running and has not failed.</summary>
public sealed record NotRunningFacts(InstanceId Instance, string ServingName, InstanceState State)
    : FailureFacts(FailureCode.InstanceNotRunning)
{
    /// <inheritdoc/>
    protected internal override FailureText Describe() =>
        new(
            $"'{ServingName}' is {State.WireName()}, not running.",
            State switch
            {
                InstanceState.Checking or InstanceState.Provisioning or InstanceState.Starting =>
                    "It is being launched: try again when it is running.",
                InstanceState.Waiting =>
                    $"It waits for capacity: try again when it is running, or follow what instances/{Instance}:explain proposes.",
                InstanceState.Stopping => "It is being stopped: wait for that, then start it.",
                InstanceState.Failed => $"Follow the hint of its failure, then start instances/{Instance}.",
                InstanceState.Stopped or InstanceState.Running or InstanceState.Deleted =>
                    $"Start instances/{Instance}.",
                _ => throw new System.Diagnostics.UnreachableException(),
            },
            Details(("instance", Instance), ("serving_name", ServingName), ("state", State))
        );
}
