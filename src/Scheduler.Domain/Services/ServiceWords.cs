using System.Globalization;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Instances;

namespace Scheduler.Domain.Services;

/// <summary>Sentences about a service's state.</summary>
public static class ServiceWords
{
    /// <summary>What a held request waits for; empty while a replica is ready.</summary>
    public static string WaitsFor(ServiceRecord record)
    {
        if (record.Ready > 0)
        {
            return "";
        }

        if (record.IsDeleting)
        {
            return "The service is being deleted.";
        }

        if (record.Failure is { } failure)
        {
            return $"No launch succeeds: {failure.Failure.Code.WireName()}, {failure.Failure.Message}";
        }

        // The one that is nearest to ready.
        return record.Staying.OrderByDescending(Progress).ThenBy(replica => replica.Number).FirstOrDefault()
                is { } first
                ? Of(first)
            : record.Spec.Paused ? "The service is paused and has no replica."
            : record.Scaling.Limit == ScalingLimit.Budget ? "The budget permits no replica now."
            : "The first replica is about to start.";
    }

    /// <summary>A replica and what it does, in one sentence.</summary>
    public static string Of(Replica replica) =>
        replica.Seen is not { } seen ? $"Replica {replica.ServingName} is being created."
        : seen.Failure is { } failed
            ? Text(
                $"Replica {replica.ServingName} failed at {seen.Since:HH:mm:ss} with {failed.Failure.Code.WireName()}: {failed.Failure.Message}"
            )
        : Text(
            $"Replica {replica.ServingName} is {seen.State.WireName()} since {seen.Since:HH:mm:ss}{(seen.Route.Length > 0 ? " at " + seen.Route : "")}."
        );

    private static int Progress(Replica replica) =>
        replica.Seen?.State switch
        {
            InstanceState.Running => 4,
            InstanceState.Starting => 3,
            InstanceState.Provisioning => 2,
            InstanceState.Failed => 0,
            null
            or InstanceState.Stopped
            or InstanceState.Checking
            or InstanceState.Stopping
            or InstanceState.Deleted
            or InstanceState.Waiting => 1,
            _ => throw new System.Diagnostics.UnreachableException(),
        };

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
