using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Edge;
using Scheduler.Edge.Limits;
using Scheduler.Grains;
using Scheduler.Inference.Serving;

namespace Scheduler.Inference.Gateway;

/// <summary>
/// <c>GET /v1/models</c>: the serving names of the caller's account that can take requests now: running instances,
/// then balancers. <c>GET /v1/models/{model}</c>: one of them.
/// </summary>
internal sealed class ModelList(
    [FromKeyedServices(InferenceSetup.AdmissionKey)] RequestAdmission admission,
    IServingTable names,
    IGrainFactory grains
)
{
    /// <summary>Most names returned; OpenAI's list has no paging.</summary>
    private const int Most = 1000;

    public async Task ListAsync(HttpContext http)
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
        var contexts = page.Instances.ToLookup(
            one => one.ServingName,
            one => one.Spec.ContextTokens,
            StringComparer.Ordinal
        );
        await WriteAsync(
            http,
            json =>
            {
                json.WriteStartObject();
                json.WriteString("object", "list");
                json.WriteStartArray("data");
                foreach (var instance in page.Instances)
                {
                    Write(json, account, instance.ServingName, instance.CreatedAt, instance.Spec.ContextTokens);
                }

                foreach (var balancer in balancers)
                {
                    var context = balancer.Spec.Destinations.SelectMany(name => contexts[name]).DefaultIfEmpty().Max();
                    Write(json, account, balancer.ServingName, balancer.CreatedAt, context);
                }

                json.WriteEndArray();
                json.WriteEndObject();
            }
        );
    }

    /// <param name="model">The serving name, as the caller sent it.</param>
    public async Task GetAsync(HttpContext http, string model)
    {
        using var admitted = await admission.AdmitAsync(http, new RequestLoad(IsStream: false, 1), changes: false);
        http.Scope().Notes.ServingName = model;
        var account = RequestPath.AccountOf(http);
        var (created, context) = await FindAsync(account, model, http.RequestAborted) switch
        {
            ServedInstance { IsServing: true } instance => (instance.CreatedAt, instance.ContextTokens),
            ServedBalancer balancer => (balancer.CreatedAt, await LargestContextAsync(balancer, http.RequestAborted)),
            _ => throw RequestPath.Unknown(model),
        };
        await WriteAsync(http, json => Write(json, account, model, created, context));
    }

    private ValueTask<Served?> FindAsync(AccountId account, string model, CancellationToken cancellationToken) =>
        Grammar.IsServingName(model)
            ? names.FindAsync(account, model, cancellationToken)
            : ValueTask.FromResult<Served?>(null);

    /// <summary>A request that is too large for one destination goes to a larger one.</summary>
    private async Task<long> LargestContextAsync(ServedBalancer balancer, CancellationToken cancellationToken)
    {
        var largest = 0L;
        foreach (var name in balancer.Destinations)
        {
            if (
                await names.FindAsync(balancer.Account, name, cancellationToken) is ServedInstance
                {
                    IsServing: true
                } one
            )
            {
                largest = Math.Max(largest, one.ContextTokens);
            }
        }

        return largest;
    }

    private static async Task WriteAsync(HttpContext http, Action<Utf8JsonWriter> write)
    {
        var body = new System.Buffers.ArrayBufferWriter<byte>();
        await using (var json = new Utf8JsonWriter(body))
        {
            write(json);
        }

        http.Response.ContentType = "application/json; charset=utf-8";
        http.Response.ContentLength = body.WrittenCount;
        if (!HttpMethods.IsHead(http.Request.Method))
        {
            await http.Response.Body.WriteAsync(body.WrittenMemory, http.RequestAborted);
        }
    }

    /// <param name="context">Tokens; 0 while no destination runs.</param>
    private static void Write(
        Utf8JsonWriter json,
        AccountId account,
        string servingName,
        DateTimeOffset createdAt,
        long context
    )
    {
        json.WriteStartObject();
        json.WriteString("id", servingName);
        json.WriteString("object", "model");
        json.WriteNumber("created", createdAt.ToUnixTimeSeconds());
        json.WriteString("owned_by", account.Value);
        if (context > 0)
        {
            // vLLM's member, which clients read.
            json.WriteNumber("max_model_len", context);
        }

        json.WriteEndObject();
    }
}
