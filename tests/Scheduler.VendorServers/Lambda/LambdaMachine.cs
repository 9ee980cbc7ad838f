using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Scheduler.VendorServers.Lambda;

/// <summary>A machine that runs its boot script as far as the stand-in needs it. Its state follows from the clock.</summary>
public sealed partial class LambdaMachine
{
    /// <summary>An argument that makes a runtime never answer.</summary>
    public const string NeverReady = "never-ready";

    private static readonly TimeSpan Booting = TimeSpan.FromSeconds(20);

    /// <summary>From active until the runtime is healthy.</summary>
    private static readonly TimeSpan Loading = TimeSpan.FromSeconds(10);

    public required string Id { get; init; }

    public required string Ip { get; init; }

    public required JsonObject Asked { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset? TerminatedAt { get; set; }

    public string Name => Asked["name"]?.GetValue<string>() ?? "";

    internal string Type => Asked["instance_type_name"]!.GetValue<string>();

    /// <summary>Files that the boot script writes, by path.</summary>
    public IReadOnlyDictionary<string, string> Files =>
        WrittenFile()
            .Matches(Asked["user_data"]?.GetValue<string>() ?? "")
            .ToDictionary(
                match => match.Groups["path"].Value,
                match => Encoding.UTF8.GetString(Convert.FromBase64String(match.Groups["data"].Value))
            );

    internal string? RuntimeKey =>
        Files
            .GetValueOrDefault("/etc/gpu-scheduler/runtime.env")
            ?.Split('\n')
            .FirstOrDefault(line => line.Contains("API_KEY="))
            ?.Split('=', 2)[1];

    internal string StatusAt(DateTimeOffset now, LambdaQuirks quirks) =>
        TerminatedAt is { } end
            ? now - end < TimeSpan.FromSeconds(quirks.TerminateSeconds)
                ? "terminating"
                : "terminated"
            : quirks.Preempts
                ? "preempted"
                : now < CreatedAt + Booting
                    ? "booting"
                    : "active";

    internal bool IsHealthyAt(DateTimeOffset now, LambdaQuirks quirks)
    {
        var command = Files.GetValueOrDefault("/etc/gpu-scheduler/run.sh") ?? "";
        return StatusAt(now, quirks) == "active"
            && now >= CreatedAt + Booting + Loading
            && command.StartsWith("exec docker run ", StringComparison.Ordinal)
            && !command.Contains(NeverReady);
    }

    internal JsonObject ToJson(DateTimeOffset now, LambdaQuirks quirks)
    {
        var status = StatusAt(now, quirks);
        return new JsonObject
        {
            ["id"] = Id,
            ["name"] = Asked["name"]?.DeepClone(),
            ["ip"] = status is "active" or "preempted" ? Ip : null,
            ["private_ip"] = null,
            ["status"] = status,
            ["ssh_key_names"] = Asked["ssh_key_names"]!.DeepClone(),
            ["file_system_names"] = new JsonArray(),
            ["region"] = new JsonObject { ["name"] = Asked["region_name"]!.DeepClone() },
            ["instance_type"] = LambdaTypes.Find(Type)!.ToJson(),
            ["hostname"] = null,
            ["jupyter_token"] = null,
            ["jupyter_url"] = null,
            ["is_reserved"] = false,
        };
    }

    [GeneratedRegex("echo (?<data>[A-Za-z0-9+/=]*) \\| base64 -d > (?<path>[^ )]+)", RegexOptions.ExplicitCapture)]
    private static partial Regex WrittenFile();
}
