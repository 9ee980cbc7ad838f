using Microsoft.Extensions.Logging;
using Scheduler.Domain.Ids;

namespace Scheduler.Providers.Http;

internal sealed partial class FencedAllocations
{
    [LoggerMessage(EventId = 6201, Level = LogLevel.Information, Message = "{Provider} made {VendorId} for {Key}")]
    private partial void LogMade(ProviderId provider, string vendorId, AllocationKey key);

    [LoggerMessage(
        EventId = 6202,
        Level = LogLevel.Warning,
        Message = "{Provider}: the outcome of the create request for {Key} is not known; the provider's list will show it"
    )]
    private partial void LogUnclear(Exception exception, ProviderId provider, AllocationKey key);

    [LoggerMessage(
        EventId = 6203,
        Level = LogLevel.Error,
        Message = "{Provider} holds a second allocation {VendorId} for {Key}; it is destroyed ({Doubled} since the start)"
    )]
    private partial void LogDoubled(ProviderId provider, string vendorId, AllocationKey key, int doubled);

    [LoggerMessage(EventId = 6204, Level = LogLevel.Warning, Message = "{Provider} could not be listed; trying again")]
    private partial void LogNotListed(Exception exception, ProviderId provider);

    [LoggerMessage(EventId = 6205, Level = LogLevel.Information, Message = "{Provider} released {VendorId} of {Key}")]
    private partial void LogReleased(ProviderId provider, string? vendorId, AllocationKey key);
}
