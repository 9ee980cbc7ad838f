using System.ComponentModel.DataAnnotations;
using System.Net;
using Scheduler.Domain.Hosts;
using Scheduler.Domain.Settings;

namespace Scheduler.Providers.WorkerAgent;

/// <summary>
/// Settings of <c>scheduler worker</c>, section <c>Worker</c>. What the host offers and which presets it has is under
/// <c>Providers:Process</c>.
/// </summary>
public sealed class WorkerAgentOptions : ICheckedSettings
{
    public const string Section = "Worker";

    private const int HighestPort = 65_535;

    /// <summary>Name of this host in the cluster; null for the machine's name.</summary>
    public string? Name { get; set; }

    /// <summary>
    /// IP address of this host at which the scheduler and its gateways reach the worker and its runtimes; it listens on no other one. Null
    /// for the address from which this host reaches the scheduler.
    /// </summary>
    public string? Address { get; set; }

    /// <summary>Port of the worker's API.</summary>
    [Range(1, HighestPort)]
    public int Port { get; set; } = 5190;

    /// <summary>Folder with the worker's key, its certificate, and the records of its runtimes.</summary>
    [Required(ErrorMessage = "a directory path")]
    public string StateDirectory { get; set; } = "data/worker";

    /// <summary>Address of the scheduler's API, as the option <c>--join</c>; null for a host that has joined.</summary>
    public string? Join { get; set; }

    /// <summary>The join token, as the option <c>--token</c>. Command lines are visible to all users, so a token is best used once.</summary>
    public string? Token { get; set; }

    /// <summary>PEM file of the authority of the scheduler's HTTPS certificate, if this host does not trust it.</summary>
    public string? CaFile { get; set; }

    internal string NameOrMachine => Name ?? OfMachine(Environment.MachineName);

    public IEnumerable<SettingFault> Check(string section)
    {
        if (Name is not null && !HostNames.IsName(Name))
        {
            yield return new SettingFault($"{section}:{nameof(Name)}", Name, HostNames.Form);
        }

        if (
            Address is not null
            && (
                !IPAddress.TryParse(Address, out var address)
                || IPAddress.Any.Equals(address)
                || IPAddress.IPv6Any.Equals(address)
            )
        )
        {
            yield return new SettingFault(
                $"{section}:{nameof(Address)}",
                Address,
                "the one IP address at which others reach this host"
            );
        }

        if (Join is not null && !IsScheduler(Join))
        {
            yield return new SettingFault(
                $"{section}:{nameof(Join)}",
                Join,
                "https://HOST[:PORT] of the scheduler, or http:// on this machine"
            );
        }

        if (Token is not null && JoinToken.Parse(Token) is null)
        {
            yield return new SettingFault(
                $"{section}:{nameof(Token)}",
                "not shown",
                "a join token as the scheduler showed it"
            );
        }

        if (CaFile is not null && !File.Exists(CaFile))
        {
            yield return new SettingFault($"{section}:{nameof(CaFile)}", CaFile, "a PEM file");
        }
    }

    /// <summary>A token would be readable on the way, so only this machine may be called without TLS.</summary>
    private static bool IsScheduler(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var uri)
        && (uri.Scheme == Uri.UriSchemeHttps || (uri.Scheme == Uri.UriSchemeHttp && uri.IsLoopback));

    private static string OfMachine(string machine)
    {
        var name = new string([
            .. machine.ToLowerInvariant().Select(letter => char.IsAsciiLetterOrDigit(letter) ? letter : '-').Take(63),
        ]).Trim('-');
        return HostNames.IsName(name) ? name : "host";
    }
}
