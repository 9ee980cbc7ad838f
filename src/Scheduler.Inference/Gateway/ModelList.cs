using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Edge;
using Scheduler.Edge.Limits;
using Scheduler.Grains;

namespace Scheduler.Inference.Gateway;

/// <summary>
/// <c>GET /v1/models</c>: the serving names of the caller's account that can take requests now: running instances,
/// then balancers.
/// </summary>
internal sealed class ModelList(
    [FromKeyedServices(InferenceSetup.AdmissionKey)] RequestAdmission admission,
    IGrainFactory grains
)
{
    /// <summary>Most names returned; OpenAI's list has no paging.</summary>
    private const int Most = 1000;

    public async Task HandleAsync(HttpContext http)
    {
        using var admitted = await admission.AdmitAsync(http, new RequestLoad(IsStream: false, 1), changes: false);
        var account = RequestPath.AccountOf(http);
        var page = await grains
            .Fleet()
            .ListInstancesAsync(
                new InstanceQuery
                {
                    Account = account,
                    States = [InstanceState.Running],
                    Limit = Most,
                }
            )
            .WaitAsync(http.RequestAborted);
        var balancers = await grains.Fleet().ListBalancersAsync(account, "", Most).WaitAsync(http.RequestAborted);
        http.Response.ContentType = "application/json; charset=utf-8";
        await using var json = new Utf8JsonWriter(http.Response.BodyWriter);
        json.WriteStartObject();
        json.WriteString("object", "list");
        json.WriteStartArray("data");
        foreach (var instance in page.Instances)
        {
            Write(json, account, instance.ServingName, instance.CreatedAt);
        }

        foreach (var balancer in balancers)
        {
            Write(json, account, balancer.ServingName, balancer.CreatedAt);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, AccountId account, string servingName, DateTimeOffset createdAt)
    {
        json.WriteStartObject();
        json.WriteString("id", servingName);
        json.WriteString("object", "model");
        json.WriteNumber("created", createdAt.ToUnixTimeSeconds());
        json.WriteString("owned_by", account.Value);
        json.WriteEndObject();
    }
}
