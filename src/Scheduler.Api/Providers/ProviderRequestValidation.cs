using System.Globalization;
using Scheduler.Api.Pipeline;
using Scheduler.Api.V1;
using Scheduler.Edge;

namespace Scheduler.Api.Providers;

/// <summary>Validation of requests about providers, offers and GPU types.</summary>
internal static class ProviderRequestValidation
{
    public static IEnumerable<RequestValidator> All { get; } =
    [
        RequestValidator.For<ListProvidersRequest>(_ => "", (_, _) => { }),
        RequestValidator.For<GetProviderRequest>(r => r.Name, (r, f) => f.CheckProvider("name", r.Name)),
        RequestValidator.For<DrainProviderRequest>(r => r.Name, Check),
        RequestValidator.For<UndrainProviderRequest>(r => r.Name, (r, f) => f.CheckProvider("name", r.Name)),
        RequestValidator.For<RefreshProviderRequest>(r => r.Name, (r, f) => f.CheckProvider("name", r.Name)),
        RequestValidator.For<ListOffersRequest>(_ => "", Check),
        RequestValidator.For<ListGpuTypesRequest>(_ => "", (_, _) => { }),
    ];

    public static string Query(ListOffersRequest request) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"offers|{request.Provider}|{request.Region}|{request.GpuType}|{(request.HasMaxPricePerHourMicroEur ? request.MaxPricePerHourMicroEur : -1)}"
        );

    private static void Check(DrainProviderRequest request, Faults faults)
    {
        faults.CheckProvider("name", request.Name);
        faults.CheckDrainReason("reason", request.Reason);
    }

    private static void Check(ListOffersRequest request, Faults faults)
    {
        if (request.Provider.Length > 0 && !Grammar.IsProviderId(request.Provider))
        {
            faults.Add("provider", "Must be 1 to 63 of a-z 0-9 -.");
        }

        if (request.Region.Length > 0 && !Grammar.IsWord(request.Region))
        {
            faults.Add("region", "Must be 1 to 64 characters in one line.");
        }

        if (request.GpuType.Length > 0 && !Grammar.IsWord(request.GpuType))
        {
            faults.Add("gpu_type", "Must be 1 to 64 characters in one line.");
        }

        if (request.HasMaxPricePerHourMicroEur && request.MaxPricePerHourMicroEur < 0)
        {
            faults.Add("max_price_per_hour_micro_eur", "Must be at least 0 micro-EUR.");
        }

        faults.CheckPage(
            request.PageSize,
            request.PageToken,
            Query(request),
            cursor => int.TryParse(cursor, NumberStyles.None, CultureInfo.InvariantCulture, out _)
        );
    }
}
