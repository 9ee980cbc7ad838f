using System.Collections.Immutable;
using Scheduler.Domain.Balancers;
using Scheduler.Domain.Failures;
using Scheduler.Inference.Serving;

namespace Scheduler.Inference.Balancers;

/// <summary>Tries the request's routes in order and takes the next member of the first that has one.</summary>
internal sealed class DestinationPicker(
    IServingTable names,
    BalancerStates states,
    IntentRouter router,
    BalancerMetrics metrics,
    TimeProvider clock
) : IDestinationPicker
{
    public async ValueTask<Destination> PickAsync(RoutingQuestion question, CancellationToken cancellationToken)
    {
        var spec = question.Balancer.Spec;
        var state = states.Of(question.Balancer);
        var routes = await RoutesAsync(question, cancellationToken);
        var known = await Destinations.FindAsync(names, question.Balancer, cancellationToken);
        foreach (var route in routes)
        {
            if (state.TryTake(route, known, question) is { } lease)
            {
                metrics.Picked(ModeOf(spec), route.IsDefault ? "default_route" : "route");
                return new Destination(lease, null);
            }
        }

        metrics.Picked(ModeOf(spec), "none");
        var facts = new NoHealthyDestinationFacts(
            question.Balancer.ServingName,
            Out(routes, spec, state, known, question),
            clock.GetUtcNow()
        );
        return new Destination(null, FailureCatalogue.Describe(facts));
    }

    private async ValueTask<ImmutableArray<BalancerRoute>> RoutesAsync(
        RoutingQuestion question,
        CancellationToken cancellationToken
    )
    {
        var spec = question.Balancer.Spec;
        if (spec.RoutingMode == RoutingMode.Ordered)
        {
            return RouteOrder.Of(spec);
        }

        // The model is asked once per request; a failed destination does not change its answer.
        question.Routes ??= RouteOrder.Of(spec, await router.RouteAsync(question, cancellationToken));
        return question.Routes.Value;
    }

    private static ImmutableArray<DestinationOut> Out(
        ImmutableArray<BalancerRoute> routes,
        BalancerSpec spec,
        BalancerState state,
        Destinations known,
        RoutingQuestion question
    ) =>
        [
            .. routes
                .SelectMany(route => spec.MembersOf(route))
                .Select(member => member.ServingName)
                .Distinct(StringComparer.Ordinal)
                .Select(name => state.WhyOut(name, known, question.Tried))
                .OfType<DestinationOut>(),
        ];

    private static string ModeOf(BalancerSpec spec) =>
        spec.RoutingMode == RoutingMode.Ordered ? "ordered" : "intent_classifier";
}
