using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Keys;
using Scheduler.Edge;
using Scheduler.Grains.Keys;

namespace Scheduler.Dashboard.SignIn;

/// <summary>
/// A session: a sealed cookie that says which key was shown, and never the key itself. The key is asked again with every request, so a
/// revoked one ends its sessions as soon as it is refused everywhere else (INV-09).
/// </summary>
internal static class Session
{
    public const string Scheme = "scheduler-session";

    /// <summary>Whoever signed in.</summary>
    public const string AnyPolicy = "dashboard";

    /// <summary>Whoever signed in with an operator's key.</summary>
    public const string OperatorsPolicy = "dashboard-operators";

    public const string SignInPath = $"{DashboardSetup.Root}/sign-in";

    private const string KeyClaim = "key";
    private const string AccountClaim = "account";
    private const string RoleClaim = "role";

    public static void Configure(CookieAuthenticationOptions cookie)
    {
        cookie.Cookie.Name = Scheme;
        cookie.Cookie.HttpOnly = true;

        // Not Strict: a link in a message must open the page it leads to. Nothing that changes anything is a GET.
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
        cookie.Events.OnRedirectToAccessDenied = _ => throw new DoorException(DoorError.OperatorsOnly());
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

    /// <summary>Who a session belongs to; null without one. A role that cannot be read is a viewer's.</summary>
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
        if (
            at.Principal is null
            || CallerOf(at.Principal) is not { } caller
            || await authority.RecheckAsync(caller).WaitAsync(at.HttpContext.RequestAborted) is not null
        )
        {
            at.RejectPrincipal();
            await at.HttpContext.SignOutAsync(Scheme);
        }
    }
}
