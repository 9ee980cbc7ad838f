using System.Collections.Immutable;
using System.Globalization;
using Scheduler.Domain.Services;

namespace Scheduler.TestKit.Spot;

/// <summary>
/// Replays a trace: a policy keeps four replicas. A request is answered in its tick; a zone that goes down takes its replicas without a notice.
/// A replica is ready when its boot is over, also within a tick, and is paid from its request. On-demand capacity is always to be had. A policy
/// sees no zone that it does not ask.
/// </summary>
public static class SpotReplay
{
    public const int Wanted = 4;

    /// <summary>Price of spot capacity as a part of that of on-demand capacity.</summary>
    public const double SpotPrice = 0.31;

    public static readonly TimeSpan Boot = TimeSpan.FromMinutes(10);

    private static readonly DateTimeOffset Start = DateTimeOffset.UnixEpoch;

    /// <summary>The plan that services use.</summary>
    public static SpotResult Plan(SpotTrace trace, SpotSettings? settings = null)
    {
        ArgumentNullException.ThrowIfNull(trace);
        var world = new World(trace);
        var (state, routes) = (new SpotState(), new SortedDictionary<string, SpotRouteStats>(StringComparer.Ordinal));
        for (var zone = 0; zone < trace.Zones; zone++)
        {
            routes[RouteOf(zone)] = default;
        }

        while (world.IsNext())
        {
            Observe(world, routes);
            var decision = SpotPlan.Next(
                settings ?? new SpotSettings { Policy = SpotPolicy.Preferred },
                Wanted,
                [.. world.Running.Select(replica => replica.Seen(world.Now))],
                routes,
                1 / SpotPrice,
                state,
                world.Now
            );
            state = decision.State;
            world.Stop(decision.Stop);
            foreach (var route in decision.Spot.Where(route => routes[route].MayBeAsked(world.Now)))
            {
                routes[route] = world.AskSpot(ZoneOf(route))
                    ? routes[route].Given(world.Now)
                    : routes[route].Refused(world.Now);
            }

            world.StartOnDemand(decision.OnDemand);
            world.Count();
        }

        return world.Figures();
    }

    /// <summary>
    /// For comparison: each replica asks the first zone of the list that did not fail within the cool-down, once a tick, and nothing replaces
    /// spot capacity.
    /// </summary>
    public static SpotResult ListOrder(SpotTrace trace, TimeSpan coolDown)
    {
        ArgumentNullException.ThrowIfNull(trace);
        var world = new World(trace);
        var until = new DateTimeOffset[trace.Zones];
        while (world.IsNext())
        {
            foreach (var lost in world.TakeLost())
            {
                until[lost] = world.Now + coolDown;
            }

            var zone = Array.FindIndex(until, moment => moment <= world.Now);
            for (var i = world.Running.Count; zone >= 0 && i < Wanted; i++)
            {
                if (!world.AskSpot(zone))
                {
                    until[zone] = world.Now + coolDown;
                    break;
                }
            }

            world.Count();
        }

        return world.Figures();
    }

    private static void Observe(World world, SortedDictionary<string, SpotRouteStats> routes)
    {
        foreach (var zone in world.UsedZones)
        {
            routes[RouteOf(zone)] = routes[RouteOf(zone)].Ran(world.Interval, world.Now);
        }

        foreach (var zone in world.TakeLost())
        {
            routes[RouteOf(zone)] = routes[RouteOf(zone)].Lost(world.Now);
        }
    }

    private static string RouteOf(int zone) => string.Create(CultureInfo.InvariantCulture, $"zone-{zone:D3}");

    private static int ZoneOf(string route) => int.Parse(route.AsSpan("zone-".Length), CultureInfo.InvariantCulture);

    /// <param name="Zone">-1 for on-demand capacity.</param>
    private sealed record Machine(int Id, int Zone, DateTimeOffset ReadyAt)
    {
        public SpotReplica Seen(DateTimeOffset now) =>
            new(Id, Zone < 0 ? "on-demand" : RouteOf(Zone), IsSpot: Zone >= 0, IsReady: ReadyAt <= now);
    }

    private sealed class World(SpotTrace trace)
    {
        private int _tick = -1;
        private int _lastId;
        private double _ready;
        private double _all;
        private double _none;
        private double _cost;

        public List<Machine> Running { get; private set; } = [];

        public TimeSpan Interval => trace.Interval;

        public DateTimeOffset Now => Start + (trace.Interval * _tick);

        public IEnumerable<int> UsedZones =>
            Running.Select(machine => machine.Zone).Where(zone => zone >= 0).Distinct();

        public bool IsNext() => ++_tick < trace.Ticks;

        /// <summary>Removes the replicas in zones that went down, and returns these zones.</summary>
        public ImmutableArray<int> TakeLost()
        {
            var lost = UsedZones.Where(zone => !trace.IsUp(_tick, zone)).ToImmutableArray();
            Running = Running.FindAll(machine => !lost.Contains(machine.Zone));
            return lost;
        }

        public bool AskSpot(int zone)
        {
            var isUp = trace.IsUp(_tick, zone);
            if (isUp)
            {
                Running.Add(new Machine(++_lastId, zone, Now + Boot));
            }

            return isUp;
        }

        public void StartOnDemand(int count)
        {
            for (var i = 0; i < count; i++)
            {
                Running.Add(new Machine(++_lastId, -1, Now + Boot));
            }
        }

        public void Stop(ImmutableArray<int> ids) => Running = Running.FindAll(machine => !ids.Contains(machine.Id));

        /// <summary>Adds the tick that begins now.</summary>
        public void Count()
        {
            var shares = Running
                .Select(machine => Math.Clamp((Now + Interval - machine.ReadyAt) / Interval, 0, 1))
                .OrderDescending()
                .Concat(Enumerable.Repeat(0.0, Wanted))
                .Take(Wanted)
                .ToList();
            _ready += shares.Average();
            _all += shares[^1];
            _none += 1 - shares[0];
            _cost += Running.Sum(machine => machine.Zone < 0 ? 1 : SpotPrice) / Wanted;
        }

        public SpotResult Figures() =>
            new(_ready / trace.Ticks, _all / trace.Ticks, _none / trace.Ticks, _cost / trace.Ticks);
    }
}

/// <summary>What a replay found, each as a part of the time.</summary>
/// <param name="Ready">Mean of the ready replicas, at most the wanted ones, as a part of the wanted.</param>
/// <param name="AllReady">Time with all wanted replicas ready.</param>
/// <param name="NoneReady">Time without any ready replica.</param>
/// <param name="Cost">Cost as a part of that of as many on-demand replicas for the whole time.</param>
public sealed record SpotResult(double Ready, double AllReady, double NoneReady, double Cost);
