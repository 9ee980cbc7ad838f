namespace Scheduler.Host;

/// <summary>
/// Adds the ids of a request to the log lines of the grains it calls, and of the work that they start.
/// </summary>
internal sealed class RequestLogScope(ILogger<RequestLogScope> logger) : IIncomingGrainCallFilter
{
    public async Task Invoke(IIncomingGrainCallContext context)
    {
        if (RequestContext.Get("x-request-id") is not string request)
        {
            await context.Invoke();
            return;
        }

        var correlation = RequestContext.Get("x-correlation-id") as string;
        KeyValuePair<string, object?>[] ids = correlation is null
            ? [new("RequestId", request)]
            : [new("RequestId", request), new("CorrelationId", correlation)];
        using (logger.BeginScope(ids))
        {
            await context.Invoke();
        }
    }
}
