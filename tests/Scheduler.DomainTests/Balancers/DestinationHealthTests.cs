using FsCheck;
using FsCheck.Xunit;
using Scheduler.Domain.Balancers;
using Xunit;
using static Scheduler.Domain.Balancers.DestinationCondition;

namespace Scheduler.DomainTests.Balancers;

public sealed class DestinationHealthTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private static readonly HealthSettings Settings = new()
    {
        ConsecutiveFailures = 3,
        MinimumRequests = 10,
        ErrorPercent = 50,
        Window = TimeSpan.FromSeconds(30),
        EjectFor = TimeSpan.FromSeconds(10),
        EjectAtMost = TimeSpan.FromSeconds(60),
        SlowReturn = TimeSpan.FromSeconds(20),
        ProbeFailures = 2,
        ProbeSuccesses = 2,
    };

    [Fact]
    public void So_many_failures_in_a_row_eject_and_a_success_between_begins_the_count_anew()
    {
        var health = new DestinationHealth(Settings);
        Assert.False(Fails(health, 0));
        Assert.False(Fails(health, 0));
        Assert.False(health.NoteRequest(Noon, succeeded: true, mayEject: true));
        Assert.False(Fails(health, 0));
        Assert.False(Fails(health, 0));
        Assert.Equal(Healthy, health.ConditionAt(Noon));
        Assert.True(Fails(health, 1));
        Assert.Equal(Ejected, health.ConditionAt(Noon.AddSeconds(1)));
        Assert.Equal(Noon.AddSeconds(11), health.EjectedUntil(Noon.AddSeconds(1)));
    }

    [Fact]
    public void A_share_of_failures_ejects_once_there_are_enough_requests_to_tell()
    {
        var health = new DestinationHealth(Settings);
        for (var i = 0; i < 9; i++)
        {
            Assert.False(health.NoteRequest(Noon.AddSeconds(i), succeeded: i % 2 == 1, mayEject: true));
        }

        Assert.False(health.NoteRequest(Noon.AddSeconds(9), succeeded: true, mayEject: true));
        Assert.True(Fails(health, 10));
    }

    [Fact]
    public void What_failed_before_the_window_is_forgotten()
    {
        var health = new DestinationHealth(Settings);
        for (var i = 0; i < 9; i++)
        {
            health.NoteRequest(Noon, succeeded: i % 2 == 1, mayEject: true);
        }

        health.NoteRequest(Noon.AddSeconds(31), succeeded: true, mayEject: true);
        Assert.False(Fails(health, 32));
        Assert.Equal(Healthy, health.ConditionAt(Noon.AddSeconds(32)));
    }

    [Fact]
    public void It_comes_back_slowly_and_evenly()
    {
        var health = new DestinationHealth(Settings);
        Eject(health, 0);
        Assert.Equal(Ejected, health.ConditionAt(Noon.AddSeconds(9.9)));
        Assert.Equal(Returning, health.ConditionAt(Noon.AddSeconds(10)));
        Assert.Equal(DestinationHealth.LeastShare, health.ShareAt(Noon.AddSeconds(10)));
        Assert.Equal(550, health.ShareAt(Noon.AddSeconds(20)));
        Assert.Equal(999, health.ShareAt(Noon.AddSeconds(29.99)));
        Assert.Equal(Healthy, health.ConditionAt(Noon.AddSeconds(30)));
    }

    [Fact]
    public void Each_relapse_ejects_for_twice_as_long_up_to_the_most()
    {
        var health = new DestinationHealth(Settings);
        Eject(health, 0);
        double at = 10;
        foreach (var lasts in new[] { 20, 40, 60, 60 })
        {
            Assert.True(Fails(health, at), "on trial a single failure is enough");
            Assert.Equal(Noon.AddSeconds(at + lasts), health.EjectedUntil(Noon.AddSeconds(at)));
            at += lasts;
        }

        Assert.Equal(5, health.Ejections);
    }

    [Fact]
    public void A_calm_spell_makes_the_next_ejection_a_first_one()
    {
        var health = new DestinationHealth(Settings);
        Eject(health, 0);
        Assert.True(Fails(health, 10));
        Assert.Equal(2, health.Ejections);
        Eject(health, 30 + 60);
        Assert.Equal(1, health.Ejections);
        Assert.Equal(Noon.AddSeconds(100), health.EjectedUntil(Noon.AddSeconds(90)));
    }

    [Fact]
    public void Failed_probes_put_it_out_until_enough_succeed_in_a_row()
    {
        var health = new DestinationHealth(Settings);
        Assert.False(health.NoteProbe(Noon, "connection refused"));
        Assert.False(health.NoteProbe(Noon, null));
        Assert.False(health.NoteProbe(Noon, "connection refused"));
        Assert.True(health.NoteProbe(Noon, "HTTP 500"));
        Assert.Equal((ProbeFailed, "HTTP 500"), (health.ConditionAt(Noon), health.ProbeError));

        health.NoteProbe(Noon.AddSeconds(1), null);
        Assert.Equal(ProbeFailed, health.ConditionAt(Noon.AddSeconds(1)));
        health.NoteProbe(Noon.AddSeconds(2), "connection refused");
        health.NoteProbe(Noon.AddSeconds(3), null);
        health.NoteProbe(Noon.AddSeconds(4), null);
        Assert.Equal(Returning, health.ConditionAt(Noon.AddSeconds(4)));
        Assert.Equal(DestinationHealth.LeastShare, health.ShareAt(Noon.AddSeconds(4)));
        Assert.Equal(Healthy, health.ConditionAt(Noon.AddSeconds(24)));
    }

    [Fact]
    public void Ejected_and_probed_out_it_is_back_when_both_are_over()
    {
        var health = new DestinationHealth(Settings);
        Eject(health, 0);
        health.NoteProbe(Noon, "refused");
        health.NoteProbe(Noon, "refused");
        Assert.Equal(Ejected, health.ConditionAt(Noon.AddSeconds(5)));
        Assert.Equal(ProbeFailed, health.ConditionAt(Noon.AddSeconds(11)));
        health.NoteProbe(Noon.AddSeconds(15), null);
        health.NoteProbe(Noon.AddSeconds(16), null);
        Assert.Equal(DestinationHealth.LeastShare, health.ShareAt(Noon.AddSeconds(16)));
    }

    [Fact]
    public void Nothing_is_held_against_a_new_run()
    {
        var health = new DestinationHealth(Settings);
        Eject(health, 0);
        health.NoteProbe(Noon, "refused");
        health.NoteProbe(Noon, "refused");
        health.Forget();
        Assert.Equal(
            (Healthy, DestinationHealth.WholeShare, 0),
            (health.ConditionAt(Noon), health.ShareAt(Noon), health.Ejections)
        );
    }

    [Property(MaxTest = 300)]
    public void Requests_never_eject_more_of_those_that_run_than_is_permitted(
        DoNotSize<uint>[] steps,
        byte percent,
        byte members
    )
    {
        var settings = Settings with { MostEjectedPercent = percent % 101, ConsecutiveFailures = 1 };
        var pool = new HealthPool(settings);
        string[] running = [.. Enumerable.Range(0, (members % 8) + 1).Select(i => $"m{i}")];
        var now = Noon;
        foreach (var step in steps.Select(s => s.Item))
        {
            now = now.AddMilliseconds(step % 4000);
            pool.NoteRequest(running[(int)(step / 4000 % (uint)running.Length)], running, now, step / 64 % 4 == 0);
            var ejected = running.Count(name => pool.Of(name).ConditionAt(now) == Ejected);
            Assert.True(ejected * 100 <= running.Length * settings.MostEjectedPercent);
        }
    }

    [Property(MaxTest = 300)]
    public void Whatever_happens_it_comes_back_when_it_is_well_again(DoNotSize<uint>[] steps)
    {
        var health = new DestinationHealth(Settings);
        var now = Noon;
        foreach (var step in steps.Select(s => s.Item))
        {
            // The clock may step back.
            now = now.AddMilliseconds((int)(step % 5000) - 500);
            _ =
                step % 3 == 0
                    ? health.NoteProbe(now, step % 2 == 0 ? "refused" : null)
                    : health.NoteRequest(now, step % 2 == 0, mayEject: true);
            Assert.InRange(health.ShareAt(now), DestinationHealth.LeastShare, DestinationHealth.WholeShare);
        }

        // A clock that stepped back by all of the steps at most.
        now += Settings.EjectAtMost + TimeSpan.FromSeconds(steps.Length);
        health.NoteProbe(now, null);
        health.NoteProbe(now, null);
        Assert.Equal(Healthy, health.ConditionAt(now + Settings.SlowReturn));
    }

    [Fact]
    public void One_bad_minute_of_all_leaves_half_of_them()
    {
        var pool = new HealthPool(new HealthSettings { ConsecutiveFailures = 2 });
        string[] running = ["a", "b", "c", "d"];
        for (var i = 0; i < 40; i++)
        {
            pool.NoteRequest(running[i % 4], running, Noon, succeeded: false);
        }

        Assert.Equal(2, running.Count(name => pool.Of(name).ConditionAt(Noon) == Ejected));
        pool = new HealthPool(new HealthSettings());
        for (var i = 0; i < 40; i++)
        {
            Assert.False(pool.NoteRequest("a", ["a"], Noon, succeeded: false));
        }
    }

    private static bool Fails(DestinationHealth health, double at) =>
        health.NoteRequest(Noon.AddSeconds(at), succeeded: false, mayEject: true);

    private static void Eject(DestinationHealth health, double at)
    {
        for (var i = 0; i < Settings.ConsecutiveFailures; i++)
        {
            Assert.Equal(i == Settings.ConsecutiveFailures - 1, Fails(health, at));
        }
    }
}
