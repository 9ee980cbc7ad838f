using System.Globalization;
using System.Security.Claims;
using System.Security.Cryptography;
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
/// again, so a revoked key ends its sessions as soon as the API refuses it (INV-09). The same check refuses a session
/// whose holder signed out: the record of the key contains it until it is over by itself.
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
    private const string SessionClaim = "session";
    private const string EndClaim = "ends";

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
            at.Properties.ExpiresUtc =
                at.HttpContext.RequestServices.GetRequiredService<TimeProvider>().GetUtcNow()
                + Options(at.HttpContext).SessionLifetime;
            return Task.CompletedTask;
        };
        cookie.Events.OnValidatePrincipal = RecheckAsync;
        cookie.Events.OnRedirectToLogin = at =>
        {
            // Relative: the framework's own address contains the host that the client named.
            var asked = at.Request.PathBase + at.Request.Path + at.Request.QueryString;
            var signIn = QueryHelpers.AddQueryString(SignInPath, at.Options.ReturnUrlParameter, asked);

            // A session that has ended says why: its key was revoked or is gone.
            at.Response.Redirect(
                at.HttpContext.Items[RefusedItem] is FailureCode code
                    ? QueryHelpers.AddQueryString(signIn, "refused", code.WireName())
                    : signIn
            );
            return Task.CompletedTask;
        };
        cookie.Events.OnRedirectToAccessDenied = _ => throw new ApiException(ApiError.OperatorsOnly());
    }

    /// <summary>A new session of a request that signs in.</summary>
    public static KeySession New(HttpContext http) =>
        new(
            RandomNumberGenerator.GetHexString(32, lowercase: true),
            DateTimeOffset.FromUnixTimeSeconds(
                (
                    http.RequestServices.GetRequiredService<TimeProvider>().GetUtcNow() + Options(http).SessionLimit
                ).ToUnixTimeSeconds()
            )
        );

    public static ClaimsPrincipal Of(Caller caller, KeySession session)
    {
        var claims = new List<Claim>
        {
            new(KeyClaim, caller.KeyId),
            new(RoleClaim, caller.Role.ToString()),
            new(SessionClaim, session.Id),
            new(EndClaim, session.EndsAt.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture)),
        };
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

    /// <summary>Null without a session, and for a cookie from before sessions had an end.</summary>
    public static KeySession? SessionOf(ClaimsPrincipal user) =>
        user.FindFirstValue(SessionClaim) is { } id
        && long.TryParse(user.FindFirstValue(EndClaim), CultureInfo.InvariantCulture, out var seconds)
            ? new KeySession(id, DateTimeOffset.FromUnixTimeSeconds(seconds))
            : null;

    /// <summary>Whether the session, if any, is open and its key valid; for streams that outlive their first check.</summary>
    public static async Task<bool> IsOpenAsync(ClaimsPrincipal user, KeyAuthority authority) =>
        CallerOf(user) is { } caller
        && SessionOf(user) is { } session
        && await authority.RecheckAsync(caller) is null
        && await authority.IsOpenAsync(caller.KeyId, session);

    public static bool IsOperator(ClaimsPrincipal user) => CallerOf(user) is { IsOperator: true };

    private static async Task RecheckAsync(CookieValidatePrincipalContext at)
    {
        var authority = at.HttpContext.RequestServices.GetRequiredService<KeyAuthority>();
        if (at.Principal is not null && CallerOf(at.Principal) is { } caller)
        {
            var failure = await authority.RecheckAsync(caller).WaitAsync(at.HttpContext.RequestAborted);
            if (failure is not null)
            {
                at.HttpContext.Items[RefusedItem] = failure.Code;
            }
            else if (
                SessionOf(at.Principal) is { } session
                && await authority.IsOpenAsync(caller.KeyId, session).WaitAsync(at.HttpContext.RequestAborted)
            )
            {
                return;
            }
        }

        at.RejectPrincipal();
        await at.HttpContext.SignOutAsync(Scheme);
    }

    private static DashboardOptions Options(HttpContext http) =>
        http.RequestServices.GetRequiredService<IOptions<DashboardOptions>>().Value;
}
