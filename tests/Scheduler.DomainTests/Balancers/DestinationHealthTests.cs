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
    public void Consecutive_failures_eject_and_a_success_resets_the_count()
    {
        var health = new DestinationHealth(Settings);
        Assert.False(Fails(health, 0));
        Assert.False(Fails(health, 0));
        Assert.False(health.RecordRequest(Noon, succeeded: true, mayEject: true));
        Assert.False(Fails(health, 0));
        Assert.False(Fails(health, 0));
        Assert.Equal(Healthy, health.ConditionAt(Noon));
        Assert.True(Fails(health, 1));
        Assert.Equal(Ejected, health.ConditionAt(Noon.AddSeconds(1)));
        Assert.Equal(Noon.AddSeconds(11), health.EjectedUntil(Noon.AddSeconds(1)));
    }

    [Fact]
    public void A_failure_share_ejects_once_there_are_enough_requests()
    {
        var health = new DestinationHealth(Settings);
        for (var i = 0; i < 9; i++)
        {
            Assert.False(health.RecordRequest(Noon.AddSeconds(i), succeeded: i % 2 == 1, mayEject: true));
        }

        Assert.False(health.RecordRequest(Noon.AddSeconds(9), succeeded: true, mayEject: true));
        Assert.True(Fails(health, 10));
    }

    [Fact]
    public void Failures_older_than_the_window_do_not_count()
    {
        var health = new DestinationHealth(Settings);
        for (var i = 0; i < 9; i++)
        {
            health.RecordRequest(Noon, succeeded: i % 2 == 1, mayEject: true);
        }

        health.RecordRequest(Noon.AddSeconds(31), succeeded: true, mayEject: true);
        Assert.False(Fails(health, 32));
        Assert.Equal(Healthy, health.ConditionAt(Noon.AddSeconds(32)));
    }

    [Fact]
    public void After_an_ejection_the_share_grows_linearly()
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
    public void Each_repeated_ejection_takes_twice_as_long_up_to_the_maximum()
    {
        var health = new DestinationHealth(Settings);
        Eject(health, 0);
        double at = 10;
        foreach (var lasts in new[] { 20, 40, 60, 60 })
        {
            Assert.True(Fails(health, at), "During the return a single failure ejects.");
            Assert.Equal(Noon.AddSeconds(at + lasts), health.EjectedUntil(Noon.AddSeconds(at)));
            at += lasts;
        }

        Assert.Equal(5, health.Ejections);
    }

    [Fact]
    public void A_period_without_failures_resets_the_ejection_count()
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
    public void Failed_probes_eject_until_enough_probes_succeed_in_a_row()
    {
        var health = new DestinationHealth(Settings);
        Assert.False(health.RecordProbe(Noon, "connection refused"));
        Assert.False(health.RecordProbe(Noon, null));
        Assert.False(health.RecordProbe(Noon, "connection refused"));
        Assert.True(health.RecordProbe(Noon, "HTTP 500"));
        Assert.Equal((ProbeFailed, "HTTP 500"), (health.ConditionAt(Noon), health.ProbeError));

        health.RecordProbe(Noon.AddSeconds(1), null);
        Assert.Equal(ProbeFailed, health.ConditionAt(Noon.AddSeconds(1)));
        health.RecordProbe(Noon.AddSeconds(2), "connection refused");
        health.RecordProbe(Noon.AddSeconds(3), null);
        health.RecordProbe(Noon.AddSeconds(4), null);
        Assert.Equal(Returning, health.ConditionAt(Noon.AddSeconds(4)));
        Assert.Equal(DestinationHealth.LeastShare, health.ShareAt(Noon.AddSeconds(4)));
        Assert.Equal(Healthy, health.ConditionAt(Noon.AddSeconds(24)));
    }

    [Fact]
    public void An_ejection_and_failed_probes_must_both_end_before_the_return()
    {
        var health = new DestinationHealth(Settings);
        Eject(health, 0);
        health.RecordProbe(Noon, "refused");
        health.RecordProbe(Noon, "refused");
        Assert.Equal(Ejected, health.ConditionAt(Noon.AddSeconds(5)));
        Assert.Equal(ProbeFailed, health.ConditionAt(Noon.AddSeconds(11)));
        health.RecordProbe(Noon.AddSeconds(15), null);
        health.RecordProbe(Noon.AddSeconds(16), null);
        Assert.Equal(DestinationHealth.LeastShare, health.ShareAt(Noon.AddSeconds(16)));
    }

    [Fact]
    public void A_new_run_starts_healthy()
    {
        var health = new DestinationHealth(Settings);
        Eject(health, 0);
        health.RecordProbe(Noon, "refused");
        health.RecordProbe(Noon, "refused");
        health.Forget();
        Assert.Equal(
            (Healthy, DestinationHealth.WholeShare, 0),
            (health.ConditionAt(Noon), health.ShareAt(Noon), health.Ejections)
        );
    }

    [Property(MaxTest = 300)]
    public void Requests_never_eject_more_running_members_than_permitted(
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
            pool.RecordRequest(running[(int)(step / 4000 % (uint)running.Length)], running, now, step / 64 % 4 == 0);
            var ejected = running.Count(name => pool.Of(name).ConditionAt(now) == Ejected);
            Assert.True(ejected * 100 <= running.Length * settings.MostEjectedPercent);
        }
    }

    [Property(MaxTest = 300)]
    public void After_any_history_a_healthy_destination_returns(DoNotSize<uint>[] steps)
    {
        var health = new DestinationHealth(Settings);
        var now = Noon;
        foreach (var step in steps.Select(s => s.Item))
        {
            // The clock may step back.
            now = now.AddMilliseconds((int)(step % 5000) - 500);
            _ =
                step % 3 == 0
                    ? health.RecordProbe(now, step % 2 == 0 ? "refused" : null)
                    : health.RecordRequest(now, step % 2 == 0, mayEject: true);
            Assert.InRange(health.ShareAt(now), DestinationHealth.LeastShare, DestinationHealth.WholeShare);
        }

        // Covers a clock that was set back in every step.
        now += Settings.EjectAtMost + TimeSpan.FromSeconds(steps.Length);
        health.RecordProbe(now, null);
        health.RecordProbe(now, null);
        Assert.Equal(Healthy, health.ConditionAt(now + Settings.SlowReturn));
    }

    [Fact]
    public void When_all_members_fail_half_of_them_stay_in_use()
    {
        var pool = new HealthPool(new HealthSettings { ConsecutiveFailures = 2 });
        string[] running = ["a", "b", "c", "d"];
        for (var i = 0; i < 40; i++)
        {
            pool.RecordRequest(running[i % 4], running, Noon, succeeded: false);
        }

        Assert.Equal(2, running.Count(name => pool.Of(name).ConditionAt(Noon) == Ejected));
        pool = new HealthPool(new HealthSettings());
        for (var i = 0; i < 40; i++)
        {
            Assert.False(pool.RecordRequest("a", ["a"], Noon, succeeded: false));
        }
    }

    private static bool Fails(DestinationHealth health, double at) =>
        health.RecordRequest(Noon.AddSeconds(at), succeeded: false, mayEject: true);

    private static void Eject(DestinationHealth health, double at)
    {
        for (var i = 0; i < Settings.ConsecutiveFailures; i++)
        {
            Assert.Equal(i == Settings.ConsecutiveFailures - 1, Fails(health, at));
        }
    }
}
