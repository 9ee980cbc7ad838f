using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Scheduler.Edge;
using Scheduler.Inference.Balancers;
using Scheduler.Inference.ContextCheck;
using Scheduler.Inference.Dialects;
using Scheduler.Inference.Firewalls;
using Scheduler.Inference.Gateway;
using Scheduler.Inference.Guard;
using Scheduler.Inference.Services;
using Scheduler.Inference.Serving;
using Scheduler.Inference.Upstream;

namespace Scheduler.Inference;

public static class InferenceSetup
{
    /// <summary>Service key of the gateway's <see cref="RequestAdmission"/>.</summary>
    internal const string AdmissionKey = "inference";

    /// <summary>Adds the services; configuration section <c>Inference</c> (<see cref="InferenceOptions"/>).</summary>
    public static IServiceCollection AddInference(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<InferenceOptions>().Bind(configuration.GetSection(InferenceOptions.Section));
        services.AddEdge();
        services.AddRequestAdmission(
            AdmissionKey,
            provider => provider.GetRequiredService<IOptions<InferenceOptions>>().Value.Limits()
        );
        services.AddSingleton<InferenceMetrics>();
        // Before the services that look up names while they stop: services stop in reverse order.
        services.AddSingleton<ServingTable>();
        services.AddSingleton<IServingTable>(provider => provider.GetRequiredService<ServingTable>());
        services.AddHostedService(provider => provider.GetRequiredService<ServingTable>());
        services.AddSingleton<RuntimeClient>();
        services.AddSingleton<UpstreamForwarder>();
        services.AddSingleton<InstanceDiagnosis>();
        services.AddSingleton<IInstanceChat, InstanceChat>();
        services.AddSingleton<RuntimeTokens>();
        services.AddSingleton<ContextGuard>();
        services.AddSingleton<InstanceSlots>();
        services.AddSingleton<UsageCounter>();
        services.AddHostedService(provider => provider.GetRequiredService<UsageCounter>());
        services.AddSingleton<RequestFirewalls>();
        services.AddSingleton<NativeDialects>();
        services.AddSingleton<RequestPath>();
        services.AddSingleton<ModelList>();
        services.AddSingleton<CrossOrigin>();
        services.AddFirewalls();
        services.AddBalancers();
        services.AddServices();
        return services;
    }

    /// <summary>Maps OpenAI's paths. The request scope middleware must run before them.</summary>
    public static void MapInference(this IEndpointRouteBuilder endpoints) => OpenAiPaths.MapTo(endpoints);
}
