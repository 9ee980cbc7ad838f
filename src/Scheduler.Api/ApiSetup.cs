using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Scheduler.Api.Balancers;
using Scheduler.Api.Billing;
using Scheduler.Api.Failures;
using Scheduler.Api.Firewalls;
using Scheduler.Api.Health;
using Scheduler.Api.Hosts;
using Scheduler.Api.Instances;
using Scheduler.Api.Keys;
using Scheduler.Api.Models;
using Scheduler.Api.OpenApi;
using Scheduler.Api.Pipeline;
using Scheduler.Api.Providers;
using Scheduler.Api.Requests;
using Scheduler.Api.Schedules;
using Scheduler.Api.Secrets;
using Scheduler.Api.Services;
using Scheduler.Edge;
using Scheduler.Edge.Firewalls;

namespace Scheduler.Api;

/// <summary>Adds the API to a host. The host chooses ports and protocols.</summary>
public static class ApiSetup
{
    /// <summary>Service key of the API's <see cref="RequestAdmission"/>.</summary>
    internal const string AdmissionKey = "api";

    public static IServiceCollection AddApi(this IServiceCollection services, IConfiguration configuration)
    {
        var section = configuration.GetSection(ApiOptions.Section);
        services.AddOptions<ApiOptions>().Bind(section);
        var limits = section.Get<ApiOptions>() ?? new ApiOptions();
        services.AddEdge();
        services.AddSingleton<IErrorShape, ErrorWriter>();
        services.AddRequestAdmission(
            AdmissionKey,
            provider => provider.GetRequiredService<IOptions<ApiOptions>>().Value.Limits()
        );
        services.AddSingleton<RecordWatch>();
        services.TryAddSingleton<IFirewallTrial, NoFirewallTrial>();
        services.AddSingleton<OpenApiDocumentSource>();
        services
            .AddGrpc(grpc =>
            {
                grpc.MaxReceiveMessageSize = limits.MaxBodyBytes;
                grpc.EnableDetailedErrors = false;

                // The catch-all for unknown services would turn a wrong verb on any two-segment path into a 404.
                grpc.IgnoreUnknownServices = true;
                grpc.Interceptors.Add<EdgeInterceptor>();
            })
            .AddServiceOptions<ModelsService>(grpc => grpc.MaxReceiveMessageSize = limits.MaxModelBodyBytes)
            .AddJsonTranscoding(json =>
            {
                json.TypeRegistry = ErrorStatus.Types;
                json.JsonSettings.WriteInt64sAsStrings = false;
                json.JsonSettings.WriteEnumsAsIntegers = false;
                json.JsonSettings.IgnoreDefaultValues = false;
            });
        services.AddGrpcReflection();
        services.AddHealth();
        services.AddGrpcHealth();
        return services;
    }

    /// <summary>
    /// Adds the API's middleware to the pipeline and maps its endpoints. Call it before any other middleware: the first
    /// one assigns the request id.
    /// </summary>
    public static WebApplication MapApi(this WebApplication app)
    {
        app.UseRequestScope();
        app.UseMiddleware<AllowedHosts>();
        app.UseRouting();
        app.UseMiddleware<EdgeMiddleware>();
        app.MapGrpcService<AccountsService>();
        app.MapGrpcService<KeysService>();
        app.MapGrpcService<InstancesService>();
        app.MapGrpcService<BalancersService>();
        app.MapGrpcService<ServicesService>();
        app.MapGrpcService<SchedulesService>();
        app.MapGrpcService<ModelsService>();
        app.MapGrpcService<ProvidersService>();
        app.MapGrpcService<FailuresService>();
        app.MapGrpcService<RequestsService>();
        app.MapGrpcService<FirewallsService>();
        app.MapGrpcService<SecretsService>();
        app.MapGrpcService<HostsService>();
        app.MapGrpcHealthChecksService();
        if (app.Services.GetRequiredService<IOptions<ApiOptions>>().Value.Reflection)
        {
            app.MapGrpcReflectionService();
        }

        app.MapHealth();
        app.MapGet(
            OpenApiDocumentSource.Path,
            (OpenApiDocumentSource source) => Results.Bytes(source.Json, "application/json; charset=utf-8")
        );
        app.MapReference();
        return app;
    }
}
