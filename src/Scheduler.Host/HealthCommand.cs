using System.Net;
using System.Net.Http;

namespace Scheduler.Host;

/// <summary><c>scheduler health</c>: asks the scheduler of the same settings on this machine, for images that hold no other program.</summary>
internal static class HealthCommand
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(4);

    /// <summary>Whether <c>/readyz</c> says yes.</summary>
    public static async Task<bool> IsReadyAsync(HostOptions host)
    {
        var listens = IPAddress.Parse(host.Address);
        var address =
            listens.Equals(IPAddress.Any) ? IPAddress.Loopback
            : listens.Equals(IPAddress.IPv6Any) ? IPAddress.IPv6Loopback
            : listens;
        var uri = new UriBuilder(Uri.UriSchemeHttp, address.ToString(), host.HttpPort, "/readyz").Uri;
        using var handler = new SocketsHttpHandler();
        using var client = new HttpClient(handler) { Timeout = Patience };
        try
        {
            using var answer = await client.GetAsync(uri);
            await Console.Out.WriteLineAsync($"{uri} {(int)answer.StatusCode}");
            return answer.IsSuccessStatusCode;
        }
        catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException)
        {
            await Console.Out.WriteLineAsync($"{uri} {exception.Message}");
            return false;
        }
    }
}
