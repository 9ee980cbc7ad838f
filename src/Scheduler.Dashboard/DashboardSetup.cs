using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Scheduler.Dashboard.Billing;
using Scheduler.Dashboard.Firewalls;
using Scheduler.Dashboard.Instances;
using Scheduler.Dashboard.Keys;
using Scheduler.Dashboard.Live;
using Scheduler.Dashboard.Placement;
using Scheduler.Dashboard.Providers;
using Scheduler.Dashboard.Requests;
using Scheduler.Dashboard.Schedules;
using Scheduler.Dashboard.Shell;
using Scheduler.Dashboard.SignIn;
using Scheduler.Edge;

namespace Scheduler.Dashboard;

/// <summary>Wires the operator's window into a host that has an Orleans client or silo.</summary>
public static class DashboardSetup
{
    /// <summary>Under which path all pages lie.</summary>
    public const string Root = "/dashboard";

    /// <summary>Under which path Orleans' own dashboard lies.</summary>
    public const string OrleansPath = $"{Root}/orleans";

    /// <summary>Which <see cref="Doorkeeper"/> is this door's.</summary>
    internal const string Door = "dashboard";

    /// <summary>Adds the services; settings are in the section <c>Dashboard</c> (<see cref="DashboardOptions"/>).</summary>
    /// <param name="services">Where to.</param>
    /// <param name="configuration">All settings.</param>
    /// <param name="keysPath">Where the keys of sessions lie when the settings do not say.</param>
    public static IServiceCollection AddDashboard(
        this IServiceCollection services,
        IConfiguration configuration,
        string keysPath
    )
    {
        ArgumentNullException.ThrowIfNull(configuration);
        var section = configuration.GetSection(DashboardOptions.Section);
        var options = section.Get<DashboardOptions>() ?? new DashboardOptions();
        services.AddOptions<DashboardOptions>().Bind(section).ValidateDataAnnotations().ValidateOnStart();
        services.AddEdge();
        services.AddDoorkeeper(Door, door => door.GetRequiredService<IOptions<DashboardOptions>>().Value.Limits());
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

    /// <summary>Lets the scripts and styles of a build that was not published be found.</summary>
    public static void UseDashboardAssets(this IWebHostBuilder host) => host.UseStaticWebAssets();

    /// <summary>Maps the pages. The request's scope must have been put in place before.</summary>
    public static void MapDashboard(this WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
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
        pages.MapLive().RequireAuthorization(Session.AnyPolicy);
        pages.MapInstanceActions();
        pages.MapAccountActions();
        pages.MapKeyActions();
        pages.MapNamedInstanceActions();
        pages.MapFirewallActions();
        pages.MapScheduleActions();
        pages.MapFind().RequireAuthorization(Session.AnyPolicy);
        BundleEndpoint.MapTo(pages).RequireAuthorization(Session.AnyPolicy);
        pages.MapFallback("{*path}", PageErrors.NothingHere).RequireAuthorization(Session.AnyPolicy);
        app.MapRazorComponents<App>().WithMetadata(PageErrors.Shape).RequireAuthorization(Session.AnyPolicy);
    }

    /// <summary>
    /// A web application puts sign-in and permissions before everything else where it sees none, and it does not see into a branch. There
    /// they would run for every request of every door, and what they throw would be answered before the request has its id.
    /// </summary>
    private static void KeepToTheBranch(IApplicationBuilder app)
    {
        app.Properties["__AuthenticationMiddlewareSet"] = true;
        app.Properties["__AuthorizationMiddlewareSet"] = true;
    }

    /// <summary>Shows pages that are not ours to operators' sessions alone, and errors as the dashboard's.</summary>
    /// <param name="pages">The pages, mapped somewhere under <see cref="Root"/>.</param>
    public static void ForOperators(this IEndpointConventionBuilder pages) =>
        pages.WithMetadata(PageErrors.Shape).RequireAuthorization(Session.OperatorsPolicy);
}
