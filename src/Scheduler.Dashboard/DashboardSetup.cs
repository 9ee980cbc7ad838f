using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Scheduler.Dashboard.Billing;
using Scheduler.Dashboard.Firewalls;
using Scheduler.Dashboard.Hosts;
using Scheduler.Dashboard.Instances;
using Scheduler.Dashboard.Keys;
using Scheduler.Dashboard.Live;
using Scheduler.Dashboard.Placement;
using Scheduler.Dashboard.Providers;
using Scheduler.Dashboard.Requests;
using Scheduler.Dashboard.Schedules;
using Scheduler.Dashboard.Secrets;
using Scheduler.Dashboard.Shell;
using Scheduler.Dashboard.SignIn;
using Scheduler.Edge;

namespace Scheduler.Dashboard;

/// <summary>Adds the dashboard to a host that has an Orleans client or silo.</summary>
public static class DashboardSetup
{
    /// <summary>Path prefix of all pages.</summary>
    public const string Root = "/dashboard";

    /// <summary>Path of Orleans' own dashboard.</summary>
    public const string OrleansPath = $"{Root}/orleans";

    /// <summary>Service key of the dashboard's <see cref="RequestAdmission"/>.</summary>
    internal const string AdmissionKey = "dashboard";

    /// <summary>
    /// Adds the services; settings are in the section <c>Dashboard</c> (<see cref="DashboardOptions"/>).
    /// </summary>
    /// <param name="keysPath">Folder of the session keys if <see cref="DashboardOptions.KeysPath"/> is null.</param>
    public static IServiceCollection AddDashboard(
        this IServiceCollection services,
        IConfiguration configuration,
        string keysPath
    )
    {
        var section = configuration.GetSection(DashboardOptions.Section);
        var options = section.Get<DashboardOptions>() ?? new DashboardOptions();
        services.AddOptions<DashboardOptions>().Bind(section);
        services.AddEdge();
        services.AddRequestAdmission(
            AdmissionKey,
            provider => provider.GetRequiredService<IOptions<DashboardOptions>>().Value.Limits()
        );
        SessionKeys.Add(services, options.KeysPath ?? keysPath);
        services.AddAuthentication(Session.Scheme).AddCookie(Session.Scheme, Session.Configure);
        services
            .AddOptions<CookieAuthenticationOptions>(Session.Scheme)
            .Configure<TimeProvider>((cookie, clock) => cookie.TimeProvider = clock);
        services
            .AddAuthorizationBuilder()
            .AddPolicy(Session.AnyPolicy, policy => policy.RequireAuthenticatedUser())
            .AddPolicy(Session.OperatorsPolicy, policy => policy.RequireAssertion(at => Session.IsOperator(at.User)));
        services.AddAntiforgery(antiforgery =>
        {
            antiforgery.Cookie.Name = "scheduler-antiforgery";
            antiforgery.Cookie.SameSite = SameSiteMode.Strict;
            antiforgery.Cookie.HttpOnly = true;
            antiforgery.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
            antiforgery.SuppressXFrameOptionsHeader = true;
        });
        services.AddRazorComponents();
        services.AddSingleton<Notices>();
        services.AddSingleton<Pulse>();
        return services;
    }

    /// <summary>Serves scripts and styles from a build that was not published.</summary>
    public static void UseDashboardAssets(this IWebHostBuilder host) => host.UseStaticWebAssets();

    /// <summary>Maps the pages. The middleware that sets the request scope must run before.</summary>
    public static void MapDashboard(this WebApplication app)
    {
        KeepToTheBranch(app);
        app.UseWhen(
            http => http.Request.Path.StartsWithSegments(Root, StringComparison.OrdinalIgnoreCase),
            pages =>
            {
                pages.UseMiddleware<PageHeaders>();
                pages.UseAuthentication();
                pages.UseAuthorization();
                pages.UseMiddleware<SessionMiddleware>();
                pages.UseAntiforgery();
            }
        );
        app.MapStaticAssets();
        app.MapGet("/", () => Results.Redirect(Root)).ExcludeFromDescription();
        var pages = app.MapGroup(Root).WithMetadata(PageErrors.Shape);
        pages.MapSession();
        pages.MapLaunchActions();
        pages.MapProviderActions();
        pages.MapHostActions();
        pages.MapLive().RequireAuthorization(Session.AnyPolicy);
        pages.MapInstanceActions();
        pages.MapAccountActions();
        pages.MapKeyActions();
        pages.MapSecretActions();
        pages.MapNamedInstanceActions();
        pages.MapFirewallActions();
        pages.MapScheduleActions();
        pages.MapFind().RequireAuthorization(Session.AnyPolicy);
        BundleEndpoint.MapTo(pages).RequireAuthorization(Session.AnyPolicy);
        pages.MapFallback("{*path}", PageErrors.NothingHere).RequireAuthorization(Session.AnyPolicy);
        app.MapRazorComponents<App>().WithMetadata(PageErrors.Shape).RequireAuthorization(Session.AnyPolicy);
    }

    /// <summary>
    /// <see cref="WebApplication"/> adds authentication and authorization first in the pipeline if it finds none, and
    /// it does not see those in a branch. Added first, they would run for every request of every endpoint, and their
    /// exceptions would be answered before the request has its id.
    /// </summary>
    private static void KeepToTheBranch(IApplicationBuilder app)
    {
        app.Properties["__AuthenticationMiddlewareSet"] = true;
        app.Properties["__AuthorizationMiddlewareSet"] = true;
    }

    /// <summary>Answers a path without a page with 404.</summary>
    public static Task NothingHere(HttpContext http) => PageErrors.NothingHere(http);

    /// <summary>
    /// Restricts third-party pages to operator sessions and answers their errors as dashboard error pages.
    /// </summary>
    /// <param name="pages">The pages, mapped under <see cref="Root"/>.</param>
    public static void ForOperators(this IEndpointConventionBuilder pages) =>
        pages.WithMetadata(PageErrors.Shape).RequireAuthorization(Session.OperatorsPolicy);
}
