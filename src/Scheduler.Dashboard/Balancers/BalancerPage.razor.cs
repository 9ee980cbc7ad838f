using System.Collections.Immutable;
using Microsoft.AspNetCore.Components;
using Scheduler.Dashboard.Instances;
using Scheduler.Dashboard.Shell;
using Scheduler.Domain.Balancers;
using Scheduler.Domain.Events;
using Scheduler.Grains;
using Scheduler.Grains.Balancers;

namespace Scheduler.Dashboard.Balancers;

/// <summary>
/// One balancer: its routes, the health of its destinations as each gateway reports it, and recent failures.
/// </summary>
public sealed partial class BalancerPage
{
    private const int EventsShown = 50;

    private BalancerDetail _detail = new(new BalancerRecord(), [], []);
    private BalancerOverview _overview = null!;
    private BalancerRoute[] _routes = [];
    private ImmutableArray<StoredEvent> _events = [];

    [Parameter]
    public string Id { get; set; } = "";

    private BalancerRecord Record => _detail.Record;

    private BalancerSpec Spec => Record.Spec;

    private HealthSettings Health => Spec.Health;

    protected override async Task LoadAsync()
    {
        var grain = Grains.Balancer(Addressed.Balancer(Id));
        _detail = await AskAsync(grain.DetailAsync(AccessScope), Id);
        var names = Spec.Router is { } router ? Spec.Destinations.Add(router.ServingName) : Spec.Destinations;
        var instances = NamedInstance.FindAllAsync(Grains, Record.Account, names, Http.RequestAborted);
        var from = Math.Max(0, Record.LastSequence - EventsShown);
        var timeline = await AskAsync(grain.TimelineAsync(AccessScope, from, EventsShown), Id);
        _events = [.. timeline.Events.Reverse()];
        _overview = new BalancerOverview(_detail, await instances, Now);
        _routes = [.. RouteOrder.Of(Spec), .. Spec.Routes.Where(route => !route.Enabled)];
    }
}
