using System.Text.Json;
using System.Text.Json.Nodes;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;
using Scheduler.Providers.Http;

namespace Scheduler.Providers.Lambda;

/// <summary>The calls to Lambda's Cloud API v1.</summary>
internal sealed class LambdaClient(LambdaOptions options, VendorApi api, TimeProvider clock) : IRental
{
    private const string Instances = "instances";

    internal async Task<IReadOnlyList<JsonElement>> ListTypesAsync(CancellationToken cancellationToken)
    {
        var answer = await api.ReadAsync(VendorCall.Get("instance-types", CallKind.Offers), cancellationToken);
        return answer.Json().Member("data") is { ValueKind: JsonValueKind.Object } types
            ? [.. types.EnumerateObject().Select(type => type.Value)]
            : throw new VendorException("Lambda answered without instance types");
    }

    public async Task<IReadOnlyList<Rented>> ListAsync(CallKind kind, CancellationToken cancellationToken)
    {
        var answer = await api.ReadAsync(VendorCall.Get(Instances, kind), cancellationToken);
        var now = clock.GetUtcNow();
        return
        [
            .. answer.List("data").Select(machine => LambdaMapping.ToRented(machine, options, now)).OfType<Rented>(),
        ];
    }

    public Task<Rented?> GetAsync(string vendorId, CancellationToken cancellationToken) =>
        GetAsync(vendorId, CallKind.Read, cancellationToken);

    public Task<AllocateOutcome?> CheckAsync(AllocationRequest request, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult(ContainerOf(request).Refusal);
    }

    public RentalNotes NotesOf(AllocationRequest request) => RentalContainer.NotesOf(request);

    public Task EnterCreateAsync(CancellationToken cancellationToken) => api.EnterCreateAsync(cancellationToken);

    public async Task<CreateAnswer> CreateAsync(AllocationRequest request, CancellationToken cancellationToken)
    {
        var (container, offer, _) = ContainerOf(request);
        var body = LambdaMapping.LaunchBody(request, offer!, container!, options);
        var call = new VendorCall(HttpMethod.Post, "instance-operations/launch", CallKind.Create, body);
        var answer = await api.SendOnceAsync(call, cancellationToken);
        return LambdaFailures.RefusalOf(answer)
            ?? CreateAnswer.Of(
                new Rented
                {
                    Id = LambdaMapping.LaunchedId(answer.Json()),
                    Mark = AllocationMark.Read((string?)body["name"])!,
                    State = RentedState.Coming,
                    SeenAt = clock.GetUtcNow(),
                }
            );
    }

    public async Task DestroyAsync(string vendorId, CancellationToken cancellationToken)
    {
        // A second terminate request is answered with an unknown error, so the state is read first.
        if (await GetAsync(vendorId, CallKind.Release, cancellationToken) is not { State: not RentedState.Ending })
        {
            return;
        }

        var body = new JsonObject { ["instance_ids"] = new JsonArray(vendorId) };
        var call = new VendorCall(HttpMethod.Post, "instance-operations/terminate", CallKind.Release, body);
        var answer = await api.ReadAsync(call, cancellationToken);
        if (!answer.IsSuccess && !LambdaFailures.IsAbsent(answer))
        {
            throw answer.Failure();
        }
    }

    // Lambda has no logs.
    public Task<string> ReadOutputAsync(Rented rented, CancellationToken cancellationToken) => Task.FromResult("");

    private async Task<Rented?> GetAsync(string vendorId, CallKind kind, CancellationToken cancellationToken)
    {
        var path = $"{Instances}/{Uri.EscapeDataString(vendorId)}";
        var answer = await api.ReadAsync(VendorCall.Get(path, kind), cancellationToken);
        return LambdaFailures.IsAbsent(answer)
            ? null
            : LambdaMapping.ToRented(answer.Json().Member("data") ?? default, options, clock.GetUtcNow());
    }

    private static (RuntimeContainer? Container, LambdaOfferId? Offer, AllocateOutcome? Refusal) ContainerOf(
        AllocationRequest request
    )
    {
        if (LambdaOfferId.Read(request.Offer.OfferId) is not { } offer)
        {
            return (null, null, RentalFailures.UnknownOffer(request.Offer.Provider, request.Offer.OfferId));
        }

        var (container, fault) = RentalContainer.Of(request);
        fault ??= LambdaBoot.FaultOf(container!);
        return fault is null ? (container, offer, null) : (null, null, RentalFailures.Invalid(fault));
    }
}
