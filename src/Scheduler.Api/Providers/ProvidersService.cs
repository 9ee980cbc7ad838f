using Grpc.Core;
using Scheduler.Api.Pipeline;
using Scheduler.Api.V1;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Edge;
using Scheduler.Grains;
using Scheduler.Grains.Providers;
using Scheduler.Grains.Queries;

namespace Scheduler.Api.Providers;

internal sealed class ProvidersService(IGrainFactory grains) : V1.Providers.ProvidersBase
{
    public override async Task<ListProvidersResponse> ListProviders(
        ListProvidersRequest request,
        ServerCallContext context
    )
    {
        var views = await grains
            .Fleet()
            .ListProvidersAsync(context.Caller().Account)
            .WaitAsync(context.CancellationToken);
        var response = new ListProvidersResponse();
        response.Providers.AddRange(views.Select(view => view.ToProto(context.Caller())));
        return response;
    }

    public override async Task<Provider> GetProvider(GetProviderRequest request, ServerCallContext context) =>
        (
            await GrainOf(request.Name)
                .GetAsync(context.Caller().Account)
                .OrThrow(request.Name, context.CancellationToken)
        ).ToProto(context.Caller());

    public override async Task<Provider> DrainProvider(DrainProviderRequest request, ServerCallContext context) =>
        (
            await GrainOf(request.Name)
                .DrainAsync(request.Reason, context.Command(null))
                .OrThrow(request.Name, context.CancellationToken)
        ).ToProto(context.Caller());

    public override async Task<Provider> UndrainProvider(UndrainProviderRequest request, ServerCallContext context) =>
        (
            await GrainOf(request.Name)
                .UndrainAsync(context.Command(null))
                .OrThrow(request.Name, context.CancellationToken)
        ).ToProto(context.Caller());

    public override async Task<Provider> RefreshProvider(RefreshProviderRequest request, ServerCallContext context) =>
        (await GrainOf(request.Name).RefreshAsync().OrThrow(request.Name, context.CancellationToken)).ToProto(
            context.Caller()
        );

    public override async Task<ListOffersResponse> ListOffers(ListOffersRequest request, ServerCallContext context)
    {
        var token = ProviderRequestValidation.Query(request);
        var skip = (int)Paging.NumberOf(request.PageToken, token, 0);
        var query = new OfferQuery(
            NullIfEmpty(request.Provider),
            NullIfEmpty(request.Region),
            NullIfEmpty(request.GpuType),
            request.HasMaxPricePerHourMicroEur ? new MicroEuro(request.MaxPricePerHourMicroEur) : null,
            skip,
            Paging.SizeOf(request.PageSize),
            context.Caller().Account
        );
        var page = await grains.Fleet().ListOffersAsync(query).WaitAsync(context.CancellationToken);
        var reached = (long)skip + page.Offers.Length;
        var response = new ListOffersResponse
        {
            TotalSize = page.Total,
            CatalogueEpoch = page.CatalogueEpoch,
            NextPageToken = page.Offers.IsEmpty || reached >= page.Total ? "" : Paging.Next(token, reached),
        };
        response.Offers.AddRange(page.Offers.Select(offer => offer.ToProto()));
        return response;
    }

    public override async Task<ListGpuTypesResponse> ListGpuTypes(
        ListGpuTypesRequest request,
        ServerCallContext context
    )
    {
        var types = await grains.Fleet().ListGpuTypesAsync().WaitAsync(context.CancellationToken);
        var response = new ListGpuTypesResponse();
        response.GpuTypes.AddRange(types.Select(type => type.ToProto()));
        return response;
    }

    private static string? NullIfEmpty(string text) => text.Length > 0 ? text : null;

    private IProviderGrain GrainOf(string name) =>
        grains.Provider(new ProviderId(ResourceName.LastOf(name, "providers")));
}
