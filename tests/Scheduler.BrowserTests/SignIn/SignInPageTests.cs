using Microsoft.Playwright;
using Scheduler.Domain.Failures;
using Xunit;

namespace Scheduler.BrowserTests.SignIn;

/// <summary>Sign-in, the redirect after it, and the end of a session.</summary>
[Collection(DashboardGroup.Name)]
public sealed class SignInPageTests(Browser browser, DashboardScheduler scheduler) : DashboardTest(browser, scheduler)
{
    [Theory]
    [InlineData("/dashboard")]
    [InlineData("/dashboard/instances?state=failed&sort=name")]
    [InlineData("/dashboard/failures/OOM_KILLED")]
    public async Task Without_a_session_a_page_asks_for_the_key_and_then_opens(string path)
    {
        var (page, _) = await OpenAsync(Scheduler.Site);
        await page.GotoAsync(path);
        Assert.Equal("/dashboard/sign-in", new Uri(page.Url).AbsolutePath);

        await SignedIn.SendAsync(page, Scheduler.OperatorKey);

        await Assertions.Expect(page).ToHaveURLAsync(new Uri(Scheduler.Site, path).ToString());
        await Assertions.Expect(page.Locator(".who summary")).ToHaveTextAsync("Operator");
    }

    [Theory]
    [InlineData("https://elsewhere.example/")]
    [InlineData("//elsewhere.example/dashboard")]
    [InlineData("/dashboard/\\elsewhere.example")]
    [InlineData("/dashboard@elsewhere.example")]
    [InlineData("/dashboard.elsewhere.example")]
    [InlineData("javascript:alert(1)")]
    [InlineData("/reference")]
    public async Task Sign_in_never_redirects_to_another_site(string back)
    {
        var (page, _) = await OpenAsync(Scheduler.Site);
        await page.GotoAsync($"/dashboard/sign-in?return={Uri.EscapeDataString(back)}");

        await SignedIn.SendAsync(page, Scheduler.OtherKey);

        await Assertions.Expect(page).ToHaveURLAsync(new Uri(Scheduler.Site, "/dashboard").ToString());
    }

    [Fact]
    public async Task An_unknown_key_is_refused_with_its_code_and_hint()
    {
        var (page, _) = await OpenAsync(Scheduler.Site);
        await page.GotoAsync("/dashboard/sign-in?return=%2Fdashboard%2Foffers");

        await SignedIn.SendAsync(page, "sk-abcdefghijkl-nothingofthissort");

        await ExpectRefusedAsync(page, FailureCode.AuthInvalidToken);
        await SignedIn.SendAsync(page, Scheduler.OperatorKey);
        await Assertions.Expect(page).ToHaveURLAsync(new Uri(Scheduler.Site, "/dashboard/offers").ToString());
    }

    [Fact]
    public async Task A_revoked_key_is_refused_with_its_code_and_hint()
    {
        var (name, token) = await Api.KeyAsync(Scheduler.OtherAccount);
        await Api.RevokeAsync(name);
        var (page, _) = await OpenAsync(Scheduler.Site);
        await page.GotoAsync("/dashboard/sign-in");

        await SignedIn.SendAsync(page, token);

        await ExpectRefusedAsync(page, FailureCode.AuthRevokedToken);
    }

    [Fact]
    public async Task The_session_cookie_is_hidden_from_scripts_and_from_forms_of_other_sites()
    {
        var page = await OperatorAsync("/dashboard");

        var cookies = await page.Context.CookiesAsync();
        var session = Assert.Single(cookies, cookie => cookie.Name == "scheduler-session");
        Assert.True(session.HttpOnly);
        Assert.Equal(SameSiteAttribute.Lax, session.SameSite);
        Assert.Equal("/dashboard", session.Path);
        Assert.DoesNotContain(Scheduler.OperatorKey, session.Value);
        var forgery = Assert.Single(cookies, cookie => cookie.Name == "scheduler-antiforgery");
        Assert.True(forgery.HttpOnly);
        Assert.Equal(SameSiteAttribute.Strict, forgery.SameSite);
        Assert.Equal("", await page.EvaluateAsync<string>("document.cookie"));
    }

    [Fact]
    public async Task After_sign_out_the_key_is_required_again()
    {
        // A session of its own: the server ends it, and other tests share theirs.
        var (_, token) = await Api.KeyAsync(Scheduler.OtherAccount);
        var (page, _) = await OpenAsync(token, "/dashboard");
        await page.Locator(".who summary").ClickAsync();

        await page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();

        await Assertions.Expect(page.Locator("h1")).ToHaveTextAsync("Sign in");
        await page.GotoAsync("/dashboard/instances");
        Assert.Equal("/dashboard/sign-in", new Uri(page.Url).AbsolutePath);
    }

    [Fact]
    public async Task When_its_key_is_revoked_an_open_page_asks_for_another_key()
    {
        var (name, token) = await Api.KeyAsync(Scheduler.OtherAccount);
        var (page, _) = await OpenAsync(token, "/dashboard/instances");
        await Assertions.Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Instances" })).ToBeVisibleAsync();

        await Api.RevokeAsync(name);

        await Assertions.Expect(page.Locator("h1")).ToHaveTextAsync("Sign in");
        Assert.Contains("return=%2Fdashboard%2Finstances", page.Url);
        await page.GotoAsync("/dashboard");
        Assert.Equal("/dashboard/sign-in", new Uri(page.Url).AbsolutePath);
    }

    private static async Task ExpectRefusedAsync(IPage page, FailureCode code)
    {
        var words = FailureCatalogue.Definition(code);
        var alert = page.GetByRole(AriaRole.Alert);
        await Assertions.Expect(alert).ToContainTextAsync(code.WireName());
        await Assertions.Expect(alert).ToContainTextAsync(words.Cause);
        await Assertions.Expect(alert).ToContainTextAsync(words.Remedy);
    }
}
