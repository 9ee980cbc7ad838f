using Xunit;

namespace Scheduler.UnitTests.Dashboard.SignIn;

/// <summary>Two doors behind one address, with one folder for the keys of sessions.</summary>
public sealed class TwoDoorsTests(DashboardFixture first) : IClassFixture<DashboardFixture>
{
    [Fact]
    public async Task Who_signed_in_at_one_is_signed_in_at_the_other_and_sends_it_the_forms_of_the_first()
    {
        await using var second = new DashboardFixture(first);
        await second.InitializeAsync();
        using var here = new Window(first);
        await here.SignInAsync(first.KeyOfA);
        using var there = WithTheSessionOf(here, second);

        Assert.Equal(200, (await there.GetAsync("/dashboard/instances")).Status);
        var signedOut = await there.PostWithAsync(await here.TokenAsync(), "/dashboard/sign-out");

        Assert.InRange(signedOut.Status, 302, 303);
        Assert.NotEqual(200, (await there.GetAsync("/dashboard/instances")).Status);
    }

    [Fact]
    public async Task A_door_with_keys_of_its_own_knows_no_session_of_another()
    {
        await using var stranger = new DashboardFixture();
        await stranger.InitializeAsync();
        using var here = new Window(first);
        await here.SignInAsync(first.KeyOfA);
        using var there = WithTheSessionOf(here, stranger);

        Assert.NotEqual(200, (await there.GetAsync("/dashboard/instances")).Status);
    }

    private Window WithTheSessionOf(Window here, DashboardFixture door)
    {
        var there = new Window(door);
        there.Cookies.Add(door.Address, here.Cookies.GetCookies(new Uri(first.Address, "dashboard")));
        return there;
    }
}
