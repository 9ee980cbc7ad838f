using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Keys;
using Scheduler.Edge;
using Scheduler.Grains.Keys;

namespace Scheduler.Dashboard.SignIn;

/// <summary>
/// A session: an encrypted cookie with the id of the key that signed in, never its secret. Every request checks the key
/// again, so a revoked key ends its sessions as soon as the API refuses it (INV-09).
/// </summary>
internal static class Session
{
    public const string Scheme = "scheduler-session";

    /// <summary>Any signed-in session.</summary>
    public const string AnyPolicy = "dashboard";

    /// <summary>Sessions of an operator key.</summary>
    public const string OperatorsPolicy = "dashboard-operators";

    public const string SignInPath = $"{DashboardSetup.Root}/sign-in";

    /// <summary>Item of a request: why its session is no longer valid.</summary>
    private const string RefusedItem = "scheduler-session-refused";

    private const string KeyClaim = "key";
    private const string AccountClaim = "account";
    private const string RoleClaim = "role";

    public static void Configure(CookieAuthenticationOptions cookie)
    {
        cookie.Cookie.Name = Scheme;
        cookie.Cookie.HttpOnly = true;

        // Not Strict, so that links from other sites open with the session. This is safe, because no GET changes
        // anything.
        cookie.Cookie.SameSite = SameSiteMode.Lax;
        cookie.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
        cookie.Cookie.Path = DashboardSetup.Root;
        cookie.LoginPath = SignInPath;
        cookie.ReturnUrlParameter = "return";
        cookie.SlidingExpiration = true;
        cookie.Events.OnSigningIn = at =>
        {
            var lifetime = at.HttpContext.RequestServices.GetRequiredService<IOptions<DashboardOptions>>().Value;
            at.Properties.ExpiresUtc =
                at.HttpContext.RequestServices.GetRequiredService<TimeProvider>().GetUtcNow()
                + lifetime.SessionLifetime;
            return Task.CompletedTask;
        };
        cookie.Events.OnValidatePrincipal = RecheckAsync;
        cookie.Events.OnRedirectToLogin = at =>
        {
            // A session that has ended says why: its key was revoked or is gone.
            at.Response.Redirect(
                at.HttpContext.Items[RefusedItem] is FailureCode code
                    ? QueryHelpers.AddQueryString(at.RedirectUri, "refused", code.WireName())
                    : at.RedirectUri
            );
            return Task.CompletedTask;
        };
        cookie.Events.OnRedirectToAccessDenied = _ => throw new ApiException(ApiError.OperatorsOnly());
    }

    public static ClaimsPrincipal Of(Caller caller)
    {
        var claims = new List<Claim> { new(KeyClaim, caller.KeyId), new(RoleClaim, caller.Role.ToString()) };
        if (caller.Account is { } account)
        {
            claims.Add(new Claim(AccountClaim, account.Value));
        }

        return new ClaimsPrincipal(new ClaimsIdentity(claims, Scheme, KeyClaim, roleType: null));
    }

    /// <summary>Caller of a session; null without a session. An unreadable role counts as viewer.</summary>
    public static Caller? CallerOf(ClaimsPrincipal user) =>
        user.FindFirstValue(KeyClaim) is { } key
            ? new Caller(
                key,
                user.FindFirstValue(AccountClaim) is { } account ? new AccountId(account) : null,
                Enum.TryParse<KeyRole>(user.FindFirstValue(RoleClaim), out var role) ? role : KeyRole.Viewer
            )
            : null;

    public static bool IsOperator(ClaimsPrincipal user) => CallerOf(user) is { IsOperator: true };

    private static async Task RecheckAsync(CookieValidatePrincipalContext at)
    {
        var authority = at.HttpContext.RequestServices.GetRequiredService<KeyAuthority>();
        if (at.Principal is not null && CallerOf(at.Principal) is { } caller)
        {
            var failure = await authority.RecheckAsync(caller).WaitAsync(at.HttpContext.RequestAborted);
            if (failure is null)
            {
                return;
            }

            at.HttpContext.Items[RefusedItem] = failure.Code;
        }

        at.RejectPrincipal();
        await at.HttpContext.SignOutAsync(Scheme);
    }
}
