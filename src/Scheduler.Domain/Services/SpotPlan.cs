using System.Collections.Immutable;
using System.Globalization;

namespace Scheduler.Domain.Services;

/// <summary>
/// Which replicas of a service use spot capacity, on which routes, and which on-demand capacity replaces it: pure, a function of the
/// settings, the replicas, what is known about the routes, and the state before.
/// </summary>
/// <remarks>
/// <para>
/// Spot replicas go to the routes that lose their capacity least often, at most ⌈spot replicas ÷ spread⌉ to one. A route that refused or lost
/// capacity is not asked for a while. A replica whose provider announced its end counts as lost and keeps serving until it is gone.
/// </para>
/// <para>
/// A lost replica is missing for as long as its successor boots, so only a spare that runs already helps. One more spare than ordered runs
/// while the risk is above the usual: after losses and refusals on other routes, which often follow each other, and in the first hour of a
/// route. It is paid from an allowance: a share of the price of the spot replicas, from which on-demand replacement is paid too.
/// </para>
/// </remarks>
public static class SpotPlan
{
    /// <summary>What spares and on-demand replacement may cost in the long run, as a part of the price of the wanted spot replicas.</summary>
    public const double Allowance = 0.095;

    /// <summary>Time for which only spot capacity is asked for a missing replica.</summary>
    public static readonly TimeSpan SpotFirst = TimeSpan.FromMinutes(2);

    /// <summary>A replica moves to a route that loses its capacity this many times less often.</summary>
    private const double BetterBy = 1.6;

    /// <summary>A route that got capacity again loses it more often in this time.</summary>
    private static readonly TimeSpan Young = TimeSpan.FromHours(1);

    private const double YoungFactor = 2.5;

    /// <summary>A loss on one route raises the risk of the others for this time.</summary>
    private static readonly TimeSpan LossesFollow = TimeSpan.FromHours(2);

    private const int MostLossesCounted = 3;

    /// <summary>Unused allowance is kept for at most so many hours of one spot replica.</summary>
    private const double MostCredit = 40;

    /// <summary>Credit in hours of one spot replica that lowers the risk at which a spare runs by the factor e.</summary>
    private const double CreditScale = 8;

    /// <summary>Weight of the present in the usual risk, per hour: a memory of about a day.</summary>
    private const double UsualWeight = 0.04;

    /// <param name="spotWanted">Wanted replicas less those that on-demand capacity always serves.</param>
    /// <param name="replicas">Spot replicas and their on-demand replacements, without those that on-demand capacity always serves.</param>
    /// <param name="routes">Routes that offer spot capacity that meets the template, each with what is known about it.</param>
    /// <param name="priceRatio">Price of on-demand capacity ÷ price of spot capacity, ≥ 1.</param>
    public static SpotDecision Next(
        SpotSettings settings,
        int spotWanted,
        ImmutableArray<SpotReplica> replicas,
        IReadOnlyDictionary<string, SpotRouteStats> routes,
        double priceRatio,
        SpotState before,
        DateTimeOffset now
    )
    {
        var turn = new Turn(settings, spotWanted, replicas, routes, now);
        var risk = turn.Risk();
        var state = Advance(before, turn, risk, priceRatio, now);
        var isRisky = state.Credit > 0 && risk > state.UsualRisk * Math.Exp(-state.Credit / CreditScale);
        turn.Target = spotWanted > 0 ? spotWanted + turn.Spares + (isRisky ? 1 : 0) : 0;
        turn.AskForSpot();
        if (state.Credit > 0)
        {
            turn.MoveOne();
        }

        var shortSince = turn.Lasting < spotWanted ? state.ShortSince ?? now : (DateTimeOffset?)null;
        var onDemand = shortSince is { } since && (now - since >= SpotFirst || !turn.HasAsked) ? turn.Missing : 0;
        return new SpotDecision(
            turn.Asked,
            onDemand,
            turn.Stops(),
            state with
            {
                ShortSince = shortSince,
            },
            turn.Why(risk, state, isRisky)
        );
    }

    private static SpotState Advance(SpotState before, Turn turn, double risk, double priceRatio, DateTimeOffset now)
    {
        if (before.At is not { } at || now <= at)
        {
            return before with { At = before.At ?? now, UsualRisk = before.At is null ? risk : before.UsualRisk };
        }

        var hours = (now - at).TotalHours;
        var extra = turn.Spots - turn.Wanted - turn.Spares + (turn.OnDemands * priceRatio);
        var credit = before.Credit + hours * ((Allowance * turn.Wanted) - extra);
        var weight = Math.Min(1, UsualWeight * hours);
        return before with
        {
            At = now,
            Credit = Math.Clamp(credit, -MostCredit, MostCredit),
            UsualRisk = before.UsualRisk + ((risk - before.UsualRisk) * weight),
        };
    }

    /// <summary>The work of one decision.</summary>
    private sealed class Turn(
        SpotSettings settings,
        int wanted,
        ImmutableArray<SpotReplica> replicas,
        IReadOnlyDictionary<string, SpotRouteStats> routes,
        DateTimeOffset now
    )
    {
        private readonly List<string> _asked = [];

        /// <summary>Routes, those that lose their capacity least often first.</summary>
        private readonly ImmutableArray<string> _best =
        [
            .. routes.OrderBy(r => r.Value.LossesPerHour).ThenBy(r => r.Key, StringComparer.Ordinal).Select(r => r.Key),
        ];

        private readonly Dictionary<string, int> _perRoute = replicas
            .Where(replica => replica is { IsSpot: true, IsEnding: false })
            .GroupBy(replica => replica.Route, StringComparer.Ordinal)
            .ToDictionary(group => group.Key, group => group.Count(), StringComparer.Ordinal);

        public int Wanted => wanted;

        /// <summary>Spares that the settings order; the allowance does not pay for them.</summary>
        public int Spares => wanted > 0 ? settings.Spares : 0;

        public int Target { get; set; }

        public ImmutableArray<string> Asked => [.. _asked];

        public bool HasAsked => _asked.Count > 0;

        public int Spots { get; } = replicas.Count(replica => replica.IsSpot);

        public int OnDemands { get; } = replicas.Count(replica => !replica.IsSpot);

        /// <summary>Spot replicas whose end is not announced.</summary>
        public int Lasting { get; } = replicas.Count(replica => replica is { IsSpot: true, IsEnding: false });

        /// <summary>Wanted replicas that neither spot nor on-demand capacity serves or is about to serve.</summary>
        public int Missing => Math.Max(0, wanted - Lasting - OnDemands);

        private int MostPerRoute =>
            Math.Max(1, (wanted + Math.Max(1, settings.Spread) - 1) / Math.Max(1, settings.Spread));

        /// <summary>Losses an hour that all spot replicas together have to expect now.</summary>
        public double Risk()
        {
            var recent = routes.Count(route => route.Value.LastLossAt is { } at && now - at < LossesFollow);
            var shared = 1 + Math.Min(recent, MostLossesCounted);
            return replicas
                .Where(replica => replica.IsSpot)
                .Sum(replica =>
                    routes.TryGetValue(replica.Route, out var stats)
                        ? stats.LossesPerHour
                            * shared
                            * (stats.UpSince is { } since && now - since < Young ? YoungFactor : 1)
                        : 0
                );
        }

        public void AskForSpot()
        {
            for (var i = Lasting; i < Target && Candidate() is { } route; i++)
            {
                Ask(route);
            }
        }

        /// <summary>Starts a successor on a better route; the replica stops once the successor is ready.</summary>
        public void MoveOne()
        {
            var lasting = replicas.Where(replica => replica is { IsSpot: true, IsEnding: false }).ToList();
            if (lasting.Count != Target || HasAsked || lasting.Exists(replica => !replica.IsReady) || Target == 0)
            {
                return;
            }

            var worst = lasting.Max(replica => LossesOf(replica.Route));
            if (Candidate() is { } better && LossesOf(better) * BetterBy < worst && CountOn(better) < MostPerRoute)
            {
                Ask(better);
            }
        }

        /// <summary>
        /// Replicas that are not needed any more: on-demand ones once spot capacity is ready, then spot ones above the target, worst first.
        /// </summary>
        public ImmutableArray<int> Stops()
        {
            var ready = replicas.Count(replica => replica is { IsSpot: true, IsReady: true, IsEnding: false });
            var stops = replicas
                .Where(replica => !replica.IsSpot)
                .OrderBy(replica => replica.IsReady)
                .ThenByDescending(replica => replica.Id)
                .Take(Math.Max(0, Math.Min(ready + OnDemands - wanted, OnDemands)))
                .Select(replica => replica.Id);
            var surplus = replicas
                .Where(replica => replica is { IsSpot: true, IsReady: true, IsEnding: false })
                .OrderByDescending(replica => CountOn(replica.Route) > MostPerRoute)
                .ThenByDescending(replica => LossesOf(replica.Route))
                .ThenByDescending(replica => replica.Id)
                .Take(Math.Max(0, ready - Target))
                .Select(replica => replica.Id);
            return [.. stops.Concat(surplus)];
        }

        public string Why(double risk, SpotState state, bool isRisky) =>
            string.Create(
                CultureInfo.InvariantCulture,
                $"{Lasting} spot and {OnDemands} on-demand for {wanted} wanted, target {Target} spot; expected losses {risk:0.###}/h, usual {state.UsualRisk:0.###}/h, credit {state.Credit:0.#} spot hours{(isRisky ? ", one more spare" : "")}"
            );

        private string? Candidate()
        {
            var open = _best.Where(route => routes[route].MayBeAsked(now) && !IsEnding(route)).ToList();
            return open.Find(route => CountOn(route) < MostPerRoute) ?? open.FirstOrDefault();
        }

        private void Ask(string route)
        {
            _asked.Add(route);
            _perRoute[route] = CountOn(route) + 1;
        }

        private bool IsEnding(string route) => replicas.Any(replica => replica.IsEnding && replica.Route == route);

        private int CountOn(string route) => _perRoute.GetValueOrDefault(route);

        private double LossesOf(string route) =>
            routes.TryGetValue(route, out var stats) ? stats.LossesPerHour : double.MaxValue;
    }
}

/// <summary>A replica as the plan sees it.</summary>
/// <param name="Id">The number of the replica.</param>
/// <param name="Route">Provider, region and GPU type; of a spot replica one of the known routes.</param>
/// <param name="IsSpot">False for an on-demand replica that stands in for a spot one.</param>
/// <param name="IsEnding">Whether the provider announced that it takes the capacity back.</param>
public sealed record SpotReplica(int Id, string Route, bool IsSpot, bool IsReady, bool IsEnding = false);

/// <summary>What the plan keeps from one decision to the next.</summary>
public sealed record SpotState
{
    /// <summary>Time of the decision; null before the first.</summary>
    public DateTimeOffset? At { get; init; }

    /// <summary>Unused allowance, in hours of one spot replica; below 0 when more was spent.</summary>
    public double Credit { get; init; }

    /// <summary>Mean of the expected losses an hour over about a day.</summary>
    public double UsualRisk { get; init; }

    /// <summary>Since when fewer spot replicas than wanted exist; null while enough do.</summary>
    public DateTimeOffset? ShortSince { get; init; }
}

/// <param name="Spot">Routes on which one spot replica each is to start.</param>
/// <param name="OnDemand">On-demand replicas to start in their place.</param>
/// <param name="Stop">Ids of replicas that are not needed any more.</param>
/// <param name="State">To be kept for the next decision.</param>
/// <param name="Why">The numbers that it came from, one line.</param>
public sealed record SpotDecision(
    ImmutableArray<string> Spot,
    int OnDemand,
    ImmutableArray<int> Stop,
    SpotState State,
    string Why
);
