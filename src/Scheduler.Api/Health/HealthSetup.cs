using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Scheduler.Api.Health;

/// <summary>
/// <c>/livez</c>, <c>/readyz</c> and the gRPC health service, which reports the same as <c>/readyz</c>. They need no
/// key. A process with the role <c>silo</c> maps only the first two.
/// </summary>
public static class HealthSetup
{
    /// <summary>Interval of updates to watchers of the gRPC health service; the shortest that ASP.NET allows.</summary>
    private static readonly TimeSpan PublishEvery = TimeSpan.FromSeconds(1);

    /// <summary>Adds the services of the endpoints. The host adds its checks as <see cref="IReadiness"/>.</summary>
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
            publisher.Period = PublishEvery;
        });
    }

    public static void MapHealth(this IEndpointRouteBuilder endpoints)
    {
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
