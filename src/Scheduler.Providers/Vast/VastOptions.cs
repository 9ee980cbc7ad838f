using System.ComponentModel.DataAnnotations;
using System.Globalization;
using Scheduler.Domain.Settings;
using Scheduler.Providers.Http;

namespace Scheduler.Providers.Vast;

/// <summary>Settings under <c>Providers:Vast</c>.</summary>
internal sealed class VastOptions : VendorOptions
{
    internal const string Section = "Providers:Vast";

    private const string UrlWords = "an http or https address with {ip} and {port} that ends with '/'";

    public override string Id { get; set; } = "vast";

    public override string BaseUrl { get; set; } = "https://console.vast.ai/api";

    /// <summary>Address of a runtime, with <c>{ip}</c> and <c>{port}</c> as the host publishes it. The path is not encrypted.</summary>
    public string RuntimeUrl { get; set; } = "http://{ip}:{port}/";

    /// <summary>Whether interruptible instances are offered too: a higher bid of another customer takes them back.</summary>
    public bool Interruptible { get; set; }

    /// <summary>What is bid, as a multiple of the lowest bid that is accepted. A higher bid lasts longer.</summary>
    [Range(1.0, 10.0)]
    public decimal BidFactor { get; set; } = 1.25m;

    /// <summary>Disk of an instance in GB: the image and the model must fit. It is billed until the instance is destroyed.</summary>
    [Range(8, 10_000)]
    public int DiskGb { get; set; } = 120;

    /// <summary>Lowest CUDA version that the host's driver supports.</summary>
    [Range(0.0, 100.0)]
    public decimal MinCuda { get; set; } = 12.8m;

    /// <summary>Lowest download rate of the host in Mbit/s. Slow hosts pull an image for an hour.</summary>
    [Range(0, 1_000_000)]
    public int MinDownMbps { get; set; } = 300;

    /// <summary>Lowest reliability of the host as Vast measures it, 0 to 1.</summary>
    [Range(0.0, 1.0)]
    public decimal MinReliability { get; set; } = 0.95m;

    /// <summary>Whether only hosts that Vast has verified are offered.</summary>
    public bool OnlyVerified { get; set; } = true;

    /// <summary>Countries to rent in, ISO 3166-1 alpha-2 in upper case.</summary>
    /// <value>None means all.</value>
    public IList<string> Countries { get; set; } = [];

    /// <summary>Most offers of one kind that a listing reads, the cheapest first.</summary>
    [Range(1, 10_000)]
    public int MaxOffers { get; set; } = 1_000;

    public override IEnumerable<SettingFault> Check(string section)
    {
        foreach (var fault in base.Check(section))
        {
            yield return fault;
        }

        if (
            !RuntimeUrl.EndsWith('/')
            || !RuntimeUrl.Contains("{ip}", StringComparison.Ordinal)
            || !Uri.TryCreate(UrlText("192.0.2.1", 1), UriKind.Absolute, out var address)
            || address.Scheme is not ("http" or "https")
        )
        {
            yield return new SettingFault($"{section}:{nameof(RuntimeUrl)}", RuntimeUrl, UrlWords);
        }

        foreach (var (index, country) in Countries.Index().Where(pair => !IsCountry(pair.Item)))
        {
            yield return new SettingFault($"{section}:{nameof(Countries)}:{index}", country, "two letters A-Z");
        }
    }

    /// <summary>Address of a runtime; null when the vendor's values make none.</summary>
    internal Uri? Endpoint(string ip, int port) =>
        System.Net.IPAddress.TryParse(ip, out _) && Uri.TryCreate(UrlText(ip, port), UriKind.Absolute, out var address)
            ? address
            : null;

    private string UrlText(string ip, int port) =>
        RuntimeUrl
            .Replace("{ip}", ip, StringComparison.Ordinal)
            .Replace("{port}", port.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);

    private static bool IsCountry(string text) => text.Length == 2 && text.All(char.IsAsciiLetterUpper);
}
