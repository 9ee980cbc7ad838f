using System.Net.Http.Headers;
using System.Text;
using Scheduler.Domain.Runtimes;

namespace Scheduler.Providers;

internal sealed class RuntimeMetricsReader(IHttpClientFactory http) : IRuntimeMetrics
{
    public async Task<string> ReadAsync(Uri address, RuntimeKey? key, CancellationToken cancellationToken)
    {
        using var client = http.CreateClient(RuntimeProbe.ClientName);
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        request.Headers.Authorization = key is { } secret
            ? new AuthenticationHeaderValue("Bearer", secret.Value)
            : null;
        using var answer = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        if (!answer.IsSuccessStatusCode)
        {
            return "";
        }

        using var body = new StreamReader(await answer.Content.ReadAsStreamAsync(cancellationToken), Encoding.UTF8);
        var text = new char[IRuntimeMetrics.MostChars];
        var read = await body.ReadBlockAsync(text, cancellationToken);
        return new string(text, 0, read);
    }
}
