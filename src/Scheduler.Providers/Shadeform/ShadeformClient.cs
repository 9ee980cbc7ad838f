using System.Text.Json;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;
using Scheduler.Providers.Http;

namespace Scheduler.Providers.Shadeform;

/// <summary>The calls to Shadeform's API v1.</summary>
internal sealed class ShadeformClient(ShadeformOptions options, VendorApi api, TimeProvider clock) : IRental
{
    private const string Instances = "instances";

    internal async Task<IReadOnlyList<JsonElement>> ListTypesAsync(CancellationToken cancellationToken)
    {
        var call = VendorCall.Get("instances/types?available=true", CallKind.Offers);
        return (await api.ReadAsync(call, cancellationToken)).List("instance_types");
    }

    public async Task<IReadOnlyList<Rented>> ListAsync(CallKind kind, CancellationToken cancellationToken)
    {
        var answer = await api.ReadAsync(VendorCall.Get(Instances, kind), cancellationToken);
        var now = clock.GetUtcNow();
        return
        [
            .. answer
                .List("instances")
                .Select(machine => ShadeformMapping.ToRented(machine, options, now))
                .OfType<Rented>(),
        ];
    }

    public async Task<Rented?> GetAsync(string vendorId, CancellationToken cancellationToken)
    {
        var answer = await api.ReadAsync(VendorCall.Get(PathOf(vendorId, "info")), cancellationToken);
        return answer.Status == 404 ? null : ShadeformMapping.ToRented(answer.Json(), options, clock.GetUtcNow());
    }

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
        var body = ShadeformMapping.CreateBody(request, offer!, container!, options, clock.GetUtcNow());
        var call = new VendorCall(HttpMethod.Post, "instances/create", CallKind.Create, body);
        var answer = await api.SendOnceAsync(call, cancellationToken);
        if (ShadeformFailures.RefusalOf(answer) is { } refusal)
        {
            return refusal;
        }

        return CreateAnswer.Of(
            new Rented
            {
                Id =
                    answer.Json().IdText("id")
                    ?? throw new VendorException("Shadeform answered a create request without an id"),
                Mark = AllocationMark.Read((string?)body["name"])!,
                State = RentedState.Coming,
                SeenAt = clock.GetUtcNow(),
            }
        );
    }

    public async Task DestroyAsync(string vendorId, CancellationToken cancellationToken)
    {
        var call = new VendorCall(HttpMethod.Post, PathOf(vendorId, "delete"), CallKind.Release);
        var answer = await api.ReadAsync(call, cancellationToken);
        if (!answer.IsSuccess && answer.Status != 404)
        {
            throw answer.Failure();
        }
    }

    // Shadeform has no logs.
    public Task<string> ReadOutputAsync(Rented rented, CancellationToken cancellationToken) => Task.FromResult("");

    private static (RuntimeContainer? Container, ShadeformOfferId? Offer, AllocateOutcome? Refusal) ContainerOf(
        AllocationRequest request
    )
    {
        if (ShadeformOfferId.Read(request.Offer.OfferId) is not { } offer)
        {
            return (null, null, RentalFailures.UnknownOffer(request.Offer.Provider, request.Offer.OfferId));
        }

        var (container, fault) = RentalContainer.Of(request);
        return container is null ? (null, null, RentalFailures.Invalid(fault!))
            : container.Arguments is null
                ? (null, null, RentalFailures.Invalid("Shadeform cannot replace the entry point of this image"))
            : (container, offer, null);
    }

    private static string PathOf(string machine, string verb) => $"{Instances}/{Uri.EscapeDataString(machine)}/{verb}";
}
