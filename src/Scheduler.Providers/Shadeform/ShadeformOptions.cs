using System.Globalization;
using System.Net;
using Scheduler.Domain.Settings;
using Scheduler.Providers.Http;

namespace Scheduler.Providers.Shadeform;

/// <summary>Settings under <c>Providers:Shadeform</c>.</summary>
internal sealed class ShadeformOptions : VendorOptions
{
    internal const string Section = "Providers:Shadeform";

    private const string UrlWords = "an http or https address with {ip} and {port} that ends with '/'";

    public override string Id { get; set; } = "shadeform";

    public override string BaseUrl { get; set; } = "https://api.shadeform.ai/v1";

    /// <summary>Clouds behind Shadeform to rent from, by its names, for example <c>hyperstack</c>.</summary>
    /// <value>None means all.</value>
    public IList<string> Clouds { get; set; } = [];

    /// <summary>Whether machines are made in Shadeform's accounts; otherwise in the operator's own, linked there.</summary>
    public bool ShadeCloud { get; set; } = true;

    /// <summary>
    /// After this time Shadeform deletes a machine itself, also one that serves: a limit for the case that the scheduler is lost. Null for none.
    /// </summary>
    [DurationRange("01:00:00", "365.00:00:00")]
    public TimeSpan? AutoDeleteAfter { get; set; }

    /// <summary>Address of a runtime, with <c>{ip}</c> of the machine and <c>{port}</c>. The path is not encrypted.</summary>
    public string EndpointUrl { get; set; } = "http://{ip}:{port}/";

    public override IEnumerable<SettingFault> Check(string section)
    {
        foreach (var fault in base.Check(section))
        {
            yield return fault;
        }

        if (
            !EndpointUrl.EndsWith('/')
            || !EndpointUrl.Contains("{ip}", StringComparison.Ordinal)
            || !Uri.TryCreate(UrlText("192.0.2.1", 1), UriKind.Absolute, out var address)
            || address.Scheme is not ("http" or "https")
        )
        {
            yield return new SettingFault($"{section}:{nameof(EndpointUrl)}", EndpointUrl, UrlWords);
        }
    }

    /// <summary>Null for a text that is no IP address.</summary>
    internal Uri? Endpoint(string? ip, long port) =>
        port is > 0 and <= IPEndPoint.MaxPort && IPAddress.TryParse(ip, out var address)
            ? new Uri(UrlText(address.ToString(), port))
            : null;

    private string UrlText(string ip, long port) =>
        EndpointUrl
            .Replace("{ip}", ip.Contains(':') ? $"[{ip}]" : ip, StringComparison.Ordinal)
            .Replace("{port}", port.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);
}
