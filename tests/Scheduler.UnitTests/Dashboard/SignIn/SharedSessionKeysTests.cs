using Xunit;

namespace Scheduler.UnitTests.Dashboard.SignIn;

/// <summary>Two processes behind one address, with a shared folder of session keys.</summary>
public sealed class SharedSessionKeysTests(DashboardFixture first) : IClassFixture<DashboardFixture>
{
    [Fact]
    public async Task Processes_with_shared_keys_accept_each_others_sessions_and_forms()
    {
        await using var second = new DashboardFixture(first);
        await second.InitializeAsync();
        using var here = new Browser(first);
        await here.SignInAsync(first.KeyOfA);
        using var there = WithTheSessionOf(here, second);

        Assert.Equal(200, (await there.GetAsync("/dashboard/instances")).Status);
        var signedOut = await there.PostWithAsync(await here.TokenAsync(), "/dashboard/sign-out");

        Assert.InRange(signedOut.Status, 302, 303);
        Assert.NotEqual(200, (await there.GetAsync("/dashboard/instances")).Status);
    }

    [Fact]
    public async Task A_process_with_its_own_keys_accepts_no_foreign_session()
    {
        await using var other = new DashboardFixture();
        await other.InitializeAsync();
        using var here = new Browser(first);
        await here.SignInAsync(first.KeyOfA);
        using var there = WithTheSessionOf(here, other);

        Assert.NotEqual(200, (await there.GetAsync("/dashboard/instances")).Status);
    }

    private Browser WithTheSessionOf(Browser here, DashboardFixture process)
    {
        var there = new Browser(process);
        there.Cookies.Add(process.Address, here.Cookies.GetCookies(new Uri(first.Address, "dashboard")));
        return there;
    }
}
