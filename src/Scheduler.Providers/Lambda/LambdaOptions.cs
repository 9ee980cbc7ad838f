using System.Globalization;
using System.Net;
using Scheduler.Domain.Settings;
using Scheduler.Providers.Http;

namespace Scheduler.Providers.Lambda;

/// <summary>Settings under <c>Providers:Lambda</c>.</summary>
internal sealed class LambdaOptions : VendorOptions
{
    internal const string Section = "Providers:Lambda";

    public override string Id { get; set; } = "lambda";

    public override string BaseUrl { get; set; } = "https://cloud.lambda.ai/api/v1";

    /// <summary>Name of an SSH key of the account. Lambda starts no machine without exactly one.</summary>
    public string SshKeyName { get; set; } = "";

    /// <summary>Family of the machine's image; null takes Lambda's default.</summary>
    public string? ImageFamily { get; set; }

    /// <summary>
    /// Id of a firewall ruleset by region. It must open the port of the runtime (8000) to the scheduler's gateways; without one only
    /// SSH is open.
    /// </summary>
    public IDictionary<string, string> FirewallRulesets { get; set; } =
        new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Address of a runtime, with <c>{ip}</c> of the machine and <c>{port}</c> of the runtime.</summary>
    public string EndpointUrl { get; set; } = "http://{ip}:{port}/";

    public override IEnumerable<SettingFault> Check(string section)
    {
        foreach (var fault in base.Check(section))
        {
            yield return fault;
        }

        if (Enabled && string.IsNullOrWhiteSpace(SshKeyName))
        {
            yield return new SettingFault(
                $"{section}:{nameof(SshKeyName)}",
                SshKeyName,
                "a name of an SSH key of the account"
            );
        }

        if (
            !EndpointUrl.Contains("{ip}", StringComparison.Ordinal)
            || !EndpointUrl.EndsWith('/')
            || !Uri.TryCreate(EndpointText("192.0.2.1", 1), UriKind.Absolute, out var address)
            || address.Scheme is not ("http" or "https")
        )
        {
            yield return new SettingFault(
                $"{section}:{nameof(EndpointUrl)}",
                EndpointUrl,
                "an http or https address with {ip} and {port} that ends with '/'"
            );
        }
    }

    /// <summary>Null for a text that is no IP address.</summary>
    internal Uri? Endpoint(string? ip, int port) =>
        IPAddress.TryParse(ip, out var address) ? new Uri(EndpointText(address.ToString(), port)) : null;

    private string EndpointText(string ip, int port) =>
        EndpointUrl
            .Replace("{ip}", ip.Contains(':') ? $"[{ip}]" : ip, StringComparison.Ordinal)
            .Replace("{port}", port.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);
}
