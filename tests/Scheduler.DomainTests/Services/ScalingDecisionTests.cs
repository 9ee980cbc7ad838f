using FsCheck;
using FsCheck.Xunit;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Services;
using Xunit;

namespace Scheduler.DomainTests.Services;

public sealed class ScalingDecisionTests
{
    private static readonly DateTimeOffset Start = new(2026, 12, 1, 0, 0, 0, TimeSpan.Zero);

    [Property(MaxTest = 200)]
    public void Wanted_is_within_minimum_and_maximum(byte least, byte more, byte target, NonEmptyArray<ushort> loads)
    {
        var spec = Spec(least, least + more + 1, target + 1);
        var world = new World(spec);
        foreach (var load in loads.Get)
        {
            world.Pass(TimeSpan.FromSeconds(1 + (load % 40)), load);
            Assert.InRange(world.State.Wanted, spec.MinReplicas, spec.Most);
        }
    }

    [Property(MaxTest = 200)]
    public void Wanted_is_never_more_than_the_budget_pays(
        byte least,
        byte target,
        ushort budget,
        byte next,
        byte[] present,
        NonEmptyArray<ushort> loads
    )
    {
        var price = new MicroEuro(next + 1);
        var prices = present.Select(one => new MicroEuro(one + 1)).Order().ToArray();
        var most = new MicroEuro(budget + 1);
        var affordable = ServiceCosts.Affordable(most, prices, price);
        var world = new World(Spec(least, 1000, target + 1)) { Affordable = affordable };
        foreach (var load in loads.Get)
        {
            world.Pass(TimeSpan.FromSeconds(1), load);
            var wanted = world.State.Wanted;
            var cost = prices.Take(wanted).Sum(one => one.Value) + (Math.Max(0, wanted - prices.Length) * price.Value);
            Assert.InRange(cost, 0, most.Value);
        }
    }

    [Property(MaxTest = 50)]
    public void A_constant_load_leads_to_one_number_that_stays(ushort before, ushort load, byte target)
    {
        var world = new World(Spec(0, 1000, target + 1));
        world.Pass(TimeSpan.FromMinutes(5), before);
        // Long enough for the windows, and for the steps to a thousand replicas or back.
        world.Pass(TimeSpan.FromMinutes(20), load);
        var settled = world.State.Wanted;
        world.Changes = 0;
        world.Pass(TimeSpan.FromMinutes(20), load);
        Assert.Equal(0, world.Changes);
        var exact = Math.Min(1000, (int)Math.Ceiling((double)load / (target + 1)));
        Assert.InRange(
            settled,
            (int)Math.Floor(exact / (1 + ScalingDecision.Tolerance)),
            Math.Ceiling(exact * 1.12) + 1
        );
    }

    [Property(MaxTest = 200)]
    public void A_load_within_the_tolerance_of_a_settled_one_changes_nothing(byte replicas, byte target, byte[] noise)
    {
        var wanted = (replicas % 50) + 1;
        var goal = target + 20;
        var world = new World(Spec(wanted, 1000, goal));
        world.Pass(TimeSpan.FromMinutes(6), wanted * goal);
        world = world.With(Spec(0, 1000, goal));
        foreach (var one in noise)
        {
            var part = ((one / 255.0) - 0.5) * 2 * ScalingDecision.Tolerance * 0.99;
            world.Pass(TimeSpan.FromSeconds(30), (int)(wanted * goal * (1 + part)));
        }

        Assert.Equal(0, world.Changes);
    }

    [Property(MaxTest = 300)]
    public void More_load_never_leads_to_fewer_replicas(
        byte least,
        byte target,
        ushort affordable,
        NonEmptyArray<ushort> loads,
        ushort more
    )
    {
        var spec = Spec(least, least + 300, target + 1);
        var low = new World(spec) { Affordable = affordable };
        foreach (var load in loads.Get.SkipLast(1))
        {
            low.Pass(TimeSpan.FromSeconds(20), load);
        }

        // The last seconds differ, from the same state.
        var high = low.Copy();
        low.Pass(TimeSpan.FromSeconds(20), loads.Get[^1]);
        high.Pass(TimeSpan.FromSeconds(20), loads.Get[^1] + more);
        Assert.True(high.State.Wanted >= low.State.Wanted);
    }

    [Fact]
    public void A_service_without_load_goes_to_zero_after_its_idle_time_and_not_before()
    {
        var world = new World(Spec(0, 5, 8));
        world.Pass(TimeSpan.FromSeconds(10), 3);
        Assert.Equal(1, world.State.Wanted);
        world.Pass(TimeSpan.FromSeconds(599), 0);
        Assert.Equal(1, world.State.Wanted);
        world.Pass(TimeSpan.FromSeconds(10), 0);
        Assert.Equal(0, world.State.Wanted);
    }

    [Fact]
    public void The_first_request_asks_for_a_replica_at_once()
    {
        var world = new World(Spec(0, 5, 8));
        world.Pass(TimeSpan.FromSeconds(1), 1);
        Assert.Equal(1, world.State.Wanted);
        Assert.Contains("load 1 of which 1 held", world.State.Why, StringComparison.Ordinal);
    }

    [Fact]
    public void A_falling_load_removes_replicas_only_after_the_down_window()
    {
        var world = new World(Spec(1, 20, 8));
        world.Pass(TimeSpan.FromMinutes(2), 80);
        Assert.Equal(10, world.State.Wanted);
        world.Pass(TimeSpan.FromSeconds(295), 8);
        Assert.Equal(10, world.State.Wanted);
        world.Pass(TimeSpan.FromMinutes(2), 8);
        Assert.Equal(1, world.State.Wanted);
    }

    [Fact]
    public void One_step_at_most_doubles_the_replicas()
    {
        var world = new World(Spec(0, 1000, 1));
        world.Pass(TimeSpan.FromSeconds(1), 1000);
        Assert.Equal(4, world.State.Wanted);
        Assert.Equal(ScalingLimit.Step, world.State.Limit);
        world.Pass(TimeSpan.FromSeconds(16), 1000);
        Assert.Equal(8, world.State.Wanted);
    }

    [Fact]
    public void After_a_loss_of_the_loads_nothing_is_removed_until_the_down_window_is_known()
    {
        var world = new World(Spec(0, 20, 8));
        world.Pass(TimeSpan.FromMinutes(2), 80);
        world.LoseLoads();
        world.Pass(TimeSpan.FromSeconds(290), 8);
        Assert.Equal(10, world.State.Wanted);
        world.Pass(TimeSpan.FromMinutes(2), 8);
        Assert.Equal(1, world.State.Wanted);
    }

    [Fact]
    public void A_paused_service_keeps_its_number_and_says_so()
    {
        var world = new World(Spec(1, 20, 8) with { Paused = true });
        world.Pass(TimeSpan.FromMinutes(1), 80);
        Assert.Equal((1, ScalingLimit.Paused), (world.State.Wanted, world.State.Limit));
    }

    [Fact]
    public void Tokens_a_second_are_an_alternative_target_and_a_held_request_still_wakes_the_service()
    {
        var spec = Spec(0, 20, 8) with { Scaling = new ScalingSettings { TargetTokensPerSecond = 100 } };
        Assert.Equal(3, ScalingDecision.For(spec.Scaling, 1, new LoadSample(Start, 500, 0, 250)));
        Assert.Equal(1, ScalingDecision.For(spec.Scaling, 0, new LoadSample(Start, 0, 1, 0)));
        Assert.Equal(0, ScalingDecision.For(spec.Scaling, 0, new LoadSample(Start, 0, 0, 0)));
    }

    private static ServiceSpec Spec(int least, int most, int target) =>
        new()
        {
            MinReplicas = least,
            MaxReplicas = most,
            Scaling = new ScalingSettings { TargetOutstanding = target },
        };

    /// <summary>A service under a load, decided once a second.</summary>
    private sealed class World(ServiceSpec spec)
    {
        private readonly List<(TimeSpan, int)> _past = [];
        private LoadWindow _loads = new(Start);
        private DateTimeOffset _now = Start;

        public ScalingState State { get; private set; } =
            new() { Wanted = spec.MinReplicas, StepBase = spec.MinReplicas };

        public int? Affordable { get; init; }

        public int Changes { get; set; }

        public void Pass(TimeSpan time, int load)
        {
            _past.Add((time, load));
            for (var end = _now + time; _now < end; )
            {
                _now += TimeSpan.FromSeconds(1);
                var held = State.Wanted == 0 ? load : 0;
                _loads.Add(new LoadSample(_now, load - held, held, 0));
                var next = ScalingDecision.Next(spec, State, _loads, Affordable, _now);
                Changes += next.Wanted == State.Wanted ? 0 : 1;
                State = next;
            }
        }

        public void LoseLoads() => _loads = new LoadWindow(_now);

        public World With(ServiceSpec other) =>
            new(other)
            {
                State = State,
                _loads = _loads,
                _now = _now,
            };

        public World Copy()
        {
            var copy = new World(spec) { Affordable = Affordable };
            foreach (var (time, load) in _past)
            {
                copy.Pass(time, load);
            }

            return copy;
        }
    }
}
