using Microsoft.Extensions.Hosting;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Services;
using Scheduler.Edge;
using Scheduler.Inference.Balancers;
using Scheduler.Inference.Gateway;
using Scheduler.Inference.Serving;

namespace Scheduler.Inference.Services;

/// <summary>
/// Gives requests to the replicas of a service. A request waits while no replica is ready or every ready one is full, because the service
/// then starts another one; requests that wait are its load too.
/// </summary>
/// <remarks>
/// A stream that waits gets its headers and a comment after <see cref="Upstream.ClientAnswer.MostSilence"/>; other requests get nothing
/// until their answer or refusal is known.
/// </remarks>
internal sealed class ReplicaPlaces(
    IServingTable names,
    IDestinationPicker picker,
    InstanceSlots slots,
    LoadReporter reporter,
    HoldMetrics metrics,
    IHostApplicationLifetime lifetime,
    TimeProvider clock
)
{
    /// <summary>Gives the request a replica as soon as one can take it.</summary>
    /// <param name="bytes">Memory that the request keeps meanwhile.</param>
    /// <exception cref="ApiException">
    /// SERVICE_NOT_READY; the failure of a service whose launches all fail; MODEL_NOT_FOUND once the service is deleted.
    /// </exception>
    /// <exception cref="OperationCanceledException">The client is gone.</exception>
    public async ValueTask<ReplicaPlace> TakeAsync(
        ServiceTraffic traffic,
        RoutingQuestion question,
        long bytes,
        CancellationToken cancellationToken
    )
    {
        // Who comes later must not pass those who wait.
        if (traffic.Held.Count == 0 && (await TryPickAsync(traffic, question, cancellationToken)).Place is { } place)
        {
            return place;
        }

        ThrowIfFailed(question.Balancer);
        return await HoldAsync(traffic, question, bytes, cancellationToken);
    }

    private async Task<ReplicaPlace> HoldAsync(
        ServiceTraffic traffic,
        RoutingQuestion question,
        long bytes,
        CancellationToken cancellationToken
    )
    {
        var began = clock.GetTimestamp();
        var hold = question.Balancer.Service!.Hold;
        var waiting = new Waiting(question.Balancer);
        var request = new HoldRequest<ReplicaPlace>(
            () => TryTakeAsync(traffic, question, waiting),
            why => new ApiException(
                ApiError.Of(
                    FailureCatalogue.Describe(
                        new ServiceNotReadyFacts(
                            question.Balancer.ServingName,
                            why,
                            waiting.Reason(),
                            hold,
                            clock.GetElapsedTime(began)
                        )
                    )
                )
            ),
            hold.MaxRequests,
            hold.MaxWait
        );
        metrics.Began();
        var ended = "cancelled";
        try
        {
            var waits = traffic.Held.WaitAsync(request, bytes, cancellationToken);
            if (traffic.Held.Count == 1)
            {
                reporter.ReportNow(traffic);
            }

            var place = await waits;
            ended = "answered";
            return place;
        }
        catch (ApiException refused)
        {
            ended = refused.Error.Details.GetValueOrDefault("cause") ?? "failed";
            throw;
        }
        finally
        {
            metrics.Ended(ended, clock.GetElapsedTime(began));
        }
    }

    /// <summary>A try of the request that waits longest.</summary>
    private async ValueTask<ReplicaPlace?> TryTakeAsync(
        ServiceTraffic traffic,
        RoutingQuestion question,
        Waiting waiting
    )
    {
        if (lifetime.ApplicationStopping.IsCancellationRequested)
        {
            throw new ApiException(ApiError.Unavailable());
        }

        var asked = question.Balancer;
        if (
            await names.FindAsync(asked.Account, asked.ServingName, CancellationToken.None)
            is not ServedBalancer { Service: not null } now
        )
        {
            throw RequestPath.Unknown(asked.ServingName);
        }

        waiting.Service = now;
        var known = await Destinations.FindAsync(names, now, CancellationToken.None);
        if (!known.Instances.Any(replica => replica.IsServing && slots.HasRoom(replica)))
        {
            waiting.Refusal = null;
            ThrowIfFailed(now);
            return null;
        }

        var (place, refusal) = await TryPickAsync(traffic, question with { Balancer = now }, CancellationToken.None);
        waiting.Refusal = refusal;
        return place;
    }

    /// <summary>Takes the best replica that has a free slot now.</summary>
    /// <returns>The place; or NO_HEALTHY_DESTINATION, or RATE_LIMITED when all that are healthy are full.</returns>
    public async ValueTask<(ReplicaPlace? Place, Failure? Refusal)> TryPickAsync(
        ServiceTraffic traffic,
        RoutingQuestion question,
        CancellationToken cancellationToken
    )
    {
        HashSet<InstanceId>? tried = null;
        Failure? busy = null;
        while (true)
        {
            var (lease, refusal) = await picker.PickAsync(question, cancellationToken);
            if (lease is null)
            {
                return (null, busy ?? refusal);
            }

            if (slots.TryTake(lease.Instance) is { } slot)
            {
                return (new ReplicaPlace(question.Balancer, lease, slot, traffic.Enter(lease.Instance.Id)), null);
            }

            lease.Dispose();
            busy = slots.Busy(lease.Instance);
            (tried ??= [.. question.Tried]).Add(lease.Instance.Id);
            question = question with { Tried = tried };
        }
    }

    private static void ThrowIfFailed(ServedBalancer service)
    {
        if (service.Service is { Failure.Failure: { } failure })
        {
            throw new ApiException(ApiError.Of(failure));
        }
    }

    /// <summary>What a request waits for, as last seen.</summary>
    private sealed class Waiting(ServedBalancer service)
    {
        public ServedBalancer Service { get; set; } = service;

        /// <summary>Why no running replica takes the request; null when none runs, or those that run are full.</summary>
        public Failure? Refusal { get; set; }

        public string Reason() =>
            Service.Service!.WaitsFor is { Length: > 0 } said
                ? said
                : Refusal?.Message ?? "Its ready replicas answer as many requests as they take at once.";
    }
}
