using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Scheduler.Api.Health;

/// <summary>
/// <c>/livez</c> and <c>/readyz</c>, and the health service of gRPC, which says the same as <c>/readyz</c>. None asks for a key. A process
/// without doors maps the first two alone.
/// </summary>
public static class HealthSetup
{
    /// <summary>How often watchers of gRPC's health service are told anew; the shortest ASP.NET allows.</summary>
    private static readonly TimeSpan ToldEvery = TimeSpan.FromSeconds(1);

    /// <summary>Adds what the endpoints need; what makes a process ready is added as <see cref="IReadiness"/>.</summary>
    public static IServiceCollection AddHealth(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<HealthBoard>();
        return services;
    }

    internal static void AddGrpcHealth(this IServiceCollection services)
    {
        services.AddGrpcHealthChecks().AddCheck<ReadyCheck>("ready");
        services.Configure<HealthCheckPublisherOptions>(publisher =>
        {
            publisher.Delay = TimeSpan.Zero;
            publisher.Period = ToldEvery;
        });
    }

    /// <summary>Maps <c>/livez</c> and <c>/readyz</c>.</summary>
    public static void MapHealth(this IEndpointRouteBuilder endpoints)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        endpoints.MapGet(
            "/livez",
            async (HealthBoard board, CancellationToken aborted) =>
                Answer(await board.LiveAsync(aborted), "live", "stuck")
        );
        endpoints.MapGet(
            "/readyz",
            async (HealthBoard board, CancellationToken aborted) =>
                Answer(await board.ReadyAsync(aborted), "ready", "not_ready")
        );
    }

    private static ProbeAnswer Answer(HealthReport report, string good, string bad) =>
        new(report.IsOk ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable, report.ToJson(good, bad));

    private sealed class ProbeAnswer(int status, byte[] json) : IResult
    {
        public async Task ExecuteAsync(HttpContext httpContext)
        {
            var response = httpContext.Response;
            response.StatusCode = status;
            response.ContentType = "application/json";
            response.ContentLength = json.Length;
            response.Headers.CacheControl = "no-store";
            await response.Body.WriteAsync(json, httpContext.RequestAborted);
        }
    }

    private sealed class ReadyCheck(HealthBoard board) : IHealthCheck
    {
        public async Task<HealthCheckResult> CheckHealthAsync(
            HealthCheckContext context,
            CancellationToken cancellationToken = default
        )
        {
            var report = await board.ReadyAsync(cancellationToken);
            return report.IsOk
                ? HealthCheckResult.Healthy()
                : HealthCheckResult.Unhealthy(string.Join("; ", report.Lines.Where(l => !l.IsOk).Select(l => l.Name)));
        }
    }
}
