using Microsoft.Extensions.Logging;
using Scheduler.Domain.Ids;

namespace Scheduler.Providers.Simulated;

internal sealed partial class SimulatedMarket
{
    [LoggerMessage(
        EventId = 6001,
        Level = LogLevel.Information,
        Message = "Simulated provider {Provider}: {Offers} offers, {Skipped} rows skipped"
    )]
    private partial void LogFilled(ProviderId provider, int offers, int skipped);
}
