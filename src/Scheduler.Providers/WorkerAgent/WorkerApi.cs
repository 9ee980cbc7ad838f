using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Scheduler.Domain.Ids;
using Scheduler.Providers.Process;
using Scheduler.Providers.Worker;

namespace Scheduler.Providers.WorkerAgent;

/// <summary>The API of a worker: the process provider of this host, for the scheduler only. TLS checks the caller.</summary>
internal sealed class WorkerApi(ProcessProvider processes, WorkerIdentity identity, string version, TimeProvider clock)
{
    internal void Map(IEndpointRouteBuilder app)
    {
        Map(app, HttpMethods.Get, WorkerWire.Status, StateAsync);
        Map(app, HttpMethods.Get, WorkerWire.Offers, OffersAsync);
        Map(app, HttpMethods.Post, WorkerWire.Allocations, AllocateAsync);
        Map(app, HttpMethods.Get, WorkerWire.Allocations, ListAsync);
        Map(app, HttpMethods.Get, $"{WorkerWire.Allocations}/{{key}}", FindAsync);
        Map(app, HttpMethods.Get, $"{WorkerWire.Allocations}/{{key}}/output", OutputAsync);
        Map(app, HttpMethods.Delete, $"{WorkerWire.Allocations}/{{key}}", ReleaseAsync);
        Map(app, HttpMethods.Post, WorkerWire.SigningRequest, SigningRequestAsync);
        Map(app, HttpMethods.Put, WorkerWire.Certificate, SetCertificateAsync);
    }

    private static void Map(
        IEndpointRouteBuilder app,
        string method,
        string path,
        Func<HttpContext, Task<object?>> answer
    ) =>
        app.MapMethods(
            "/" + path,
            [method],
            async (HttpContext http) =>
            {
                var value = await answer(http);
                if (value is null)
                {
                    http.Response.StatusCode = StatusCodes.Status400BadRequest;
                    return;
                }

                await http.Response.WriteAsJsonAsync(value, value.GetType(), WorkerWire.Json, http.RequestAborted);
            }
        );

    private async Task<object?> StateAsync(HttpContext http)
    {
        var (gpus, keys, skipped) = await processes.DescribeAsync(http.RequestAborted);
        return new WorkerState
        {
            Version = version,
            Gpus = gpus,
            Allocations = keys,
            Skipped = skipped,
        };
    }

    private async Task<object?> OffersAsync(HttpContext http)
    {
        var listing = await processes.ListOffersAsync(http.RequestAborted);
        return new WorkerOffers
        {
            Offers = listing.Offers,
            Skipped = listing.Skipped,
            CertificateUntil = new DateTimeOffset(identity.Certificate.NotAfter.ToUniversalTime(), TimeSpan.Zero),
        };
    }

    private async Task<object?> AllocateAsync(HttpContext http)
    {
        if (await ReadAsync<WorkerAllocate>(http) is not { } wire)
        {
            return null;
        }

        var outcome = await processes.AllocateAsync(wire.ToRequest(processes.Id), http.RequestAborted);
        return new WorkerAllocated { Allocation = outcome.Allocation, Rejection = outcome.Rejection };
    }

    private async Task<object?> ListAsync(HttpContext http) =>
        new WorkerAllocations
        {
            Allocations =
            [
                .. await processes.ListAllocationsAsync(http.Request.Query["cluster"].ToString(), http.RequestAborted),
            ],
        };

    private async Task<object?> FindAsync(HttpContext http) =>
        new WorkerFound { Allocation = await processes.FindAsync(KeyOf(http), http.RequestAborted) };

    private async Task<object?> OutputAsync(HttpContext http) =>
        await processes.ReadOutputAsync(KeyOf(http), http.RequestAborted);

    private async Task<object?> ReleaseAsync(HttpContext http) =>
        new WorkerReleased { Outcome = await processes.ReleaseAsync(KeyOf(http), http.RequestAborted) };

    private Task<object?> SigningRequestAsync(HttpContext http) =>
        Task.FromResult<object?>(new WorkerPem { Pem = identity.NextRequest() });

    private async Task<object?> SetCertificateAsync(HttpContext http) =>
        await ReadAsync<WorkerPem>(http) is { } sent && identity.TryRenew(sent.Pem, clock.GetUtcNow())
            ? new WorkerPem { Pem = "" }
            : null;

    private static AllocationKey KeyOf(HttpContext http) => new(http.Request.RouteValues["key"]!.ToString()!);

    /// <summary>Null if the body is not of this shape.</summary>
    private static async Task<T?> ReadAsync<T>(HttpContext http)
        where T : class
    {
        try
        {
            return await JsonSerializer.DeserializeAsync<T>(http.Request.Body, WorkerWire.Json, http.RequestAborted);
        }
        catch (Exception exception) when (exception is JsonException or FormatException or NotSupportedException)
        {
            return null;
        }
    }
}
