using System.Security.Claims;
using FsCheck.Xunit;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Http;
using Scheduler.Dashboard.SignIn;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Keys;
using Scheduler.Grains.Keys;
using Xunit;

namespace Scheduler.UnitTests.Dashboard.SignIn;

public sealed class SessionTests
{
    [Property]
    public void A_session_restores_its_caller(string? account, bool isViewer)
    {
        var caller = new Caller(
            "key-aaaaaaaaaaaa",
            account is null ? null : new AccountId(account),
            isViewer ? KeyRole.Viewer : KeyRole.Full
        );
        var session = new KeySession("a1", DateTimeOffset.UnixEpoch.AddDays(3));
        var user = Session.Of(caller, session);
        Assert.Equal(caller, Session.CallerOf(user));
        Assert.Equal(session, Session.SessionOf(user));
        Assert.Equal(caller.IsOperator, Session.IsOperator(user));
        Assert.True(user.Identity!.IsAuthenticated);
    }

    [Theory]
    [InlineData("Owner")]
    [InlineData("")]
    [InlineData("full")]
    [InlineData("7")]
    [InlineData("-1")]
    [InlineData("Full, Viewer")]
    public void An_unknown_role_may_only_read(string role)
    {
        var caller = Session.CallerOf(With(("key", "key-aaaaaaaaaaaa"), ("role", role)));
        Assert.False(caller!.MayChange);
    }

    [Fact]
    public void A_session_without_a_role_may_only_read() =>
        Assert.Equal(KeyRole.Viewer, Session.CallerOf(With(("key", "key-aaaaaaaaaaaa")))!.Role);

    [Fact]
    public void Without_a_key_there_is_no_session()
    {
        Assert.Null(Session.CallerOf(new ClaimsPrincipal(new ClaimsIdentity())));
        Assert.Null(Session.CallerOf(With(("role", "Full"))));
        Assert.False(Session.IsOperator(With(("role", "Full"))));
    }

    [Fact]
    public void The_session_cookie_is_limited_to_the_dashboard_and_hidden_from_scripts()
    {
        var options = new CookieAuthenticationOptions();
        Session.Configure(options);
        Assert.True(options.Cookie.HttpOnly);
        Assert.Equal("/dashboard", options.Cookie.Path);
        Assert.Equal(SameSiteMode.Lax, options.Cookie.SameSite);
        Assert.Equal(CookieSecurePolicy.SameAsRequest, options.Cookie.SecurePolicy);
    }

    private static ClaimsPrincipal With(params (string Type, string Value)[] claims) =>
        new(new ClaimsIdentity(claims.Select(claim => new Claim(claim.Type, claim.Value)), Session.Scheme));
}
