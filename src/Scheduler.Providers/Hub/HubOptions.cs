using Scheduler.Domain.Settings;

namespace Scheduler.Providers.Hub;

/// <summary>Settings under <c>Hub</c>: where models are imported from.</summary>
public sealed class HubOptions : ICheckedSettings
{
    public const string Section = "Hub";

    /// <summary>Whether accounts may import models. Without it they register files.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>Address of the hub or of a mirror with the same API.</summary>
    public string BaseUrl { get; set; } = "https://huggingface.co";

    /// <summary>Limit of one import, all files together.</summary>
    [DurationRange("00:00:01", "00:05:00")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(60);

    internal Uri Address => new(BaseUrl.TrimEnd('/') + "/");

    public IEnumerable<SettingFault> Check(string section)
    {
        if (
            !Uri.TryCreate(BaseUrl, UriKind.Absolute, out var address)
            || !(address.Scheme == Uri.UriSchemeHttps || (address.Scheme == Uri.UriSchemeHttp && address.IsLoopback))
            || address.Query.Length > 0
        )
        {
            yield return new SettingFault(
                $"{section}:{nameof(BaseUrl)}",
                BaseUrl,
                "an https address without a query; http on loopback only"
            );
        }
    }
}
