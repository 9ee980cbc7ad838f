using System.Net;
using Scheduler.Inference.Serving;
using Scheduler.Inference.Upstream;

namespace Scheduler.Inference.Balancers;

/// <summary>Probes a runtime by its health path, or by its model list where it has no health path.</summary>
internal sealed class DestinationProber(RuntimeClient runtimes, TimeProvider clock)
{
    private static readonly string[] Paths = ["/health", "/v1/models"];

    /// <returns>What failed, in one line; null for a healthy runtime.</returns>
    public async Task<string?> ProbeAsync(
        ServedInstance instance,
        TimeSpan timeout,
        CancellationToken cancellationToken
    )
    {
        using var late = new CancellationTokenSource(timeout, clock);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            var status = HttpStatusCode.NotFound;
            foreach (var path in Paths)
            {
                using var request = RuntimeClient.Request(HttpMethod.Get, instance, path);
                using var response = await runtimes.Plain.SendAsync(request, stop.Token);
                status = response.StatusCode;
                if (response.IsSuccessStatusCode)
                {
                    return null;
                }

                if (status is not (HttpStatusCode.NotFound or HttpStatusCode.MethodNotAllowed))
                {
                    break;
                }
            }

            return $"it answers with the status {(int)status}";
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return string.Create(
                System.Globalization.CultureInfo.InvariantCulture,
                $"no answer within {timeout.TotalSeconds:0.###} s"
            );
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return e is HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError }
                ? "it cannot be connected to"
                : "the connection broke off";
        }
    }
}
