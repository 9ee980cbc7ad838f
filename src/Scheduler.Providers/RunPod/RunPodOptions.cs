using System.ComponentModel.DataAnnotations;
using System.Text.RegularExpressions;
using Scheduler.Domain.Settings;
using Scheduler.Providers.Http;

namespace Scheduler.Providers.RunPod;

/// <summary>Settings under <c>Providers:RunPod</c>.</summary>
internal sealed partial class RunPodOptions : VendorOptions
{
    internal const string Section = "Providers:RunPod";

    internal static readonly string[] AllClouds = ["SECURE", "COMMUNITY"];

    private const decimal HoursPerMonth = 730;

    private static readonly int[] DefaultCounts = [1, 2, 4, 8];

    public override string Id { get; set; } = "runpod";

    public override string BaseUrl { get; set; } = "https://api.runpod.io/v2";

    /// <summary>Address of a runtime, with <c>{id}</c> of the pod and <c>{port}</c> of the runtime.</summary>
    public string ProxyUrl { get; set; } = "https://{id}-{port}.proxy.runpod.net/";

    /// <summary>Clouds to rent from: <c>SECURE</c> (RunPod's data centres), <c>COMMUNITY</c> (hosts of others).</summary>
    /// <value>None means both.</value>
    public IList<string> Clouds { get; set; } = [];

    /// <summary>Countries to rent in, ISO 3166-1 alpha-2 in upper case.</summary>
    /// <value>None means all.</value>
    public IList<string> Countries { get; set; } = [];

    /// <summary>Numbers of GPUs to offer. Each number and cloud costs one call per listing.</summary>
    /// <value>None means 1, 2, 4 and 8.</value>
    public IList<int> GpuCounts { get; set; } = [];

    /// <summary>Disk of a pod in GB: the image and the model must fit.</summary>
    [Range(10, 10_000)]
    public int DiskGib { get; set; } = 120;

    /// <summary>Price of the disk, USD per GB and month, as RunPod lists it. It is part of the price of an offer.</summary>
    [Range(0.0, 100.0)]
    public decimal DiskUsdPerGibMonth { get; set; } = 0.10m;

    /// <summary>Lowest CUDA version of the host's driver, for example <c>12.8</c>; null accepts any.</summary>
    [RegularExpression(@"\d{1,3}\.\d{1,3}", ErrorMessage = "a version such as 12.8")]
    public string? MinCudaVersion { get; set; }

    /// <summary>Price of the disk of one pod.</summary>
    internal decimal DiskUsdPerHour => DiskGib * DiskUsdPerGibMonth / HoursPerMonth;

    internal IEnumerable<string> CloudsAsked => Clouds.Count == 0 ? AllClouds : Clouds;

    internal IEnumerable<int> CountsAsked => GpuCounts.Count == 0 ? DefaultCounts : GpuCounts;

    public override IEnumerable<SettingFault> Check(string section)
    {
        foreach (var fault in base.Check(section))
        {
            yield return fault;
        }

        if (
            !ProxyUrl.Contains("{id}", StringComparison.Ordinal)
            || !Uri.TryCreate(EndpointText("a", 1), UriKind.Absolute, out var address)
            || address.Scheme is not ("http" or "https")
            || !address.AbsolutePath.EndsWith('/')
        )
        {
            yield return new SettingFault(
                $"{section}:{nameof(ProxyUrl)}",
                ProxyUrl,
                "an http or https address with {id} and {port} that ends with '/'"
            );
        }

        foreach (
            var (index, cloud) in Clouds.Index().Where(pair => !AllClouds.Contains(pair.Item, StringComparer.Ordinal))
        )
        {
            yield return new SettingFault($"{section}:{nameof(Clouds)}:{index}", cloud, string.Join(", ", AllClouds));
        }

        foreach (var (index, country) in Countries.Index().Where(pair => !Country().IsMatch(pair.Item)))
        {
            yield return new SettingFault($"{section}:{nameof(Countries)}:{index}", country, "two letters A-Z");
        }

        foreach (var (index, count) in GpuCounts.Index().Where(pair => pair.Item is < 1 or > RunPodMapping.MaxGpuCount))
        {
            yield return new SettingFault(
                $"{section}:{nameof(GpuCounts)}:{index}",
                count,
                $"1 to {RunPodMapping.MaxGpuCount}"
            );
        }
    }

    internal Uri Endpoint(string pod, int port) => new(EndpointText(pod, port));

    private string EndpointText(string pod, int port) =>
        ProxyUrl
            .Replace("{id}", Uri.EscapeDataString(pod), StringComparison.Ordinal)
            .Replace(
                "{port}",
                port.ToString(System.Globalization.CultureInfo.InvariantCulture),
                StringComparison.Ordinal
            );

    [GeneratedRegex("^[A-Z]{2}$", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Country();
}
