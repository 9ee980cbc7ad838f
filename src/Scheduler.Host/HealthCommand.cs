using System.Net;
using System.Security.Cryptography.X509Certificates;

namespace Scheduler.Host;

/// <summary>
/// <c>scheduler health</c>: probes the scheduler with the same settings on this machine, for container images without
/// other programs.
/// </summary>
internal static class HealthCommand
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(4);

    public static async Task<bool> IsReadyAsync(HostOptions host)
    {
        var uri = AddressOf(host, "/readyz");
        using var handler = NewHandler(host.Tls.CertificatePath);
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

    /// <summary>A path of the HTTP port, at an address that this machine reaches.</summary>
    internal static Uri AddressOf(HostOptions host, string path)
    {
        var listens = IPAddress.Parse(host.Address);
        var address =
            listens.Equals(IPAddress.Any) ? IPAddress.Loopback
            : listens.Equals(IPAddress.IPv6Any) ? IPAddress.IPv6Loopback
            : listens;
        var scheme = host.Tls.CertificatePath is null ? Uri.UriSchemeHttp : Uri.UriSchemeHttps;
        return new UriBuilder(scheme, address.ToString(), host.Moved(host.HttpPort), path).Uri;
    }

    /// <summary>
    /// The certificate names the service and not this address, so the handler accepts exactly the configured
    /// certificate.
    /// </summary>
    internal static SocketsHttpHandler NewHandler(string? certificatePath)
    {
        var handler = new SocketsHttpHandler();
        if (certificatePath is not null)
        {
            using var own = X509CertificateLoader.LoadCertificateFromFile(certificatePath);
            var expected = own.RawData;
            handler.SslOptions.RemoteCertificateValidationCallback = (_, shown, _, _) =>
                shown is not null && shown.GetRawCertData().AsSpan().SequenceEqual(expected);
        }

        return handler;
    }
}
