using Scheduler.Edge;
using Scheduler.Inference.Balancers;
using Scheduler.Inference.Services;
using Scheduler.Inference.Serving;

namespace Scheduler.Inference.Gateway;

/// <summary>Requests to a service: they count as its load, and wait for a replica.</summary>
internal sealed partial class RequestPath
{
    /// <summary>Counts a request to a service until the result is disposed.</summary>
    private LoadMeter.Visit Visit(RequestProgress progress)
    {
        if (progress.Served is not ServedBalancer { Service.Id: var service })
        {
            return default;
        }

        var visit = loads.Enter(service);
        progress.Traffic = visit.Traffic;
        return visit;
    }

    /// <summary>Waits for a replica, unless the request has failed at one: then another one must be free at once.</summary>
    private async ValueTask<Destination> ReplicaAsync(RequestProgress progress, ServiceTraffic traffic)
    {
        var gone = progress.Http.RequestAborted;
        if (progress.Tried.Count > 0)
        {
            var (other, refusal) = await places.TryPickAsync(traffic, progress.Routing!, gone);
            return new Destination(other, refusal);
        }

        var began = clock.GetTimestamp();
        var place = await places.TakeAsync(traffic, progress.Routing!, progress.Http.Scope().Memory!.Held, gone);
        progress.Notes.Queued += clock.GetElapsedTime(began);
        return new Destination(place, null);
    }

    /// <summary>While a request waited, its service may have changed; a firewall that it got then applies too.</summary>
    private async ValueTask FollowAsync(RequestProgress progress, IDestinationLease lease)
    {
        if (lease is not ReplicaPlace place || ReferenceEquals(place.Service, progress.Served))
        {
            return;
        }

        var before = progress.Served;
        progress.Served = place.Service;
        progress.Routing = progress.Routing! with { Balancer = place.Service };
        if (place.Service.Firewall != before.Firewall)
        {
            await PassFirewallsAsync(progress, place.Service.Firewall, place.Instance);
        }
    }
}
