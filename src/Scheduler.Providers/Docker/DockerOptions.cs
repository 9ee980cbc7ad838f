using System.ComponentModel.DataAnnotations;
using System.Text.RegularExpressions;
using Scheduler.Domain.Runtimes;
using Scheduler.Domain.Runtimes.Engines;
using Scheduler.Domain.Settings;

namespace Scheduler.Providers.Docker;

/// <summary>Settings under <c>Providers:Docker</c>: what all hosts share, and the hosts.</summary>
internal sealed partial class DockerOptions : ICheckedSettings
{
    internal const string Section = "Providers:Docker";

    private const string NameWords = "1 to 32 of a-z, 0-9 and '-'";

    /// <summary>Whether the hosts are registered.</summary>
    public bool Enabled { get; set; }

    /// <summary>
    /// Hosts by name. Each is a provider of its own, <c>docker-{name}</c>: an operator drains one, and one that fails opens
    /// only its own circuit breaker.
    /// </summary>
    public IDictionary<string, DockerHostOptions> Hosts { get; set; } =
        new Dictionary<string, DockerHostOptions>(StringComparer.Ordinal);

    /// <summary>Credentials of registries, by address as in an image reference, for example <c>ghcr.io</c>.</summary>
    public IDictionary<string, DockerRegistryOptions> Registries { get; set; } =
        new Dictionary<string, DockerRegistryOptions>(StringComparer.Ordinal);

    /// <summary>Presets by name, in addition to the built-in ones; an equal name replaces a built-in one.</summary>
    public IDictionary<string, DockerPresetOptions> Presets { get; set; } =
        new Dictionary<string, DockerPresetOptions>(StringComparer.Ordinal);

    /// <summary>Variables of every container.</summary>
    public IDictionary<string, string> Environment { get; set; } =
        new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Longest wait for one answer of an engine, except for pulls and streams.</summary>
    [DurationRange("00:00:00.100", "00:10:00")]
    public TimeSpan CallTimeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// How long a launch waits for the pull of its image. Later it is refused, the pull goes on, and the next launch there
    /// finds the image. Below the allocation timeout.
    /// </summary>
    [DurationRange("00:00:00.100", "06:00:00")]
    public TimeSpan PullWait { get; set; } = TimeSpan.FromSeconds(50);

    /// <summary>After this time a pull is given up.</summary>
    [DurationRange("00:00:01", "1.00:00:00")]
    public TimeSpan PullTimeout { get; set; } = TimeSpan.FromHours(1);

    /// <summary>From the stop signal until SIGKILL.</summary>
    [DurationRange("00:00:00.010", "01:00:00")]
    public TimeSpan StopGrace { get; set; } = TimeSpan.FromSeconds(10);

    [DurationRange("00:00:00.010", "01:00:00")]
    public TimeSpan ProbeEvery { get; set; } = TimeSpan.FromSeconds(1);

    [DurationRange("00:00:00.010", "01:00:00")]
    public TimeSpan ProbeTimeout { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>Consecutive failed health probes after which a runtime that was healthy counts as unhealthy.</summary>
    [Range(1, 1_000)]
    public int UnhealthyAfterProbes { get; set; } = 3;

    /// <summary>How long a runtime that was healthy may answer no health probe before it counts as unhealthy.</summary>
    [DurationRange("00:00:00.010", "01:00:00")]
    public TimeSpan UnhealthyAfterSilence { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// A container that runs for longer was healthy once, also when this process has not seen it. Above the start timeout.
    /// </summary>
    [DurationRange("00:00:01", "1.00:00:00")]
    public TimeSpan BootsWithin { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>How long a released key is remembered. A key is asked for again within minutes or never.</summary>
    [DurationRange("01:00:00", "365.00:00:00")]
    public TimeSpan RememberReleased { get; set; } = TimeSpan.FromDays(7);

    internal RuntimePreset? Preset(string name) =>
        Presets.TryGetValue(name, out var configured)
            ? configured.ToPreset(name)
            : RuntimePresets.BuiltIn.GetValueOrDefault(name);

    public IEnumerable<SettingFault> Check(string section)
    {
        if (Enabled && Hosts.Count == 0)
        {
            yield return new SettingFault($"{section}:{nameof(Hosts)}", "empty", "at least one host");
        }

        foreach (var name in Hosts.Keys)
        {
            if (!HostName().IsMatch(name))
            {
                yield return new SettingFault($"{section}:{nameof(Hosts)}:{name}", name, NameWords);
            }
        }
    }

    [GeneratedRegex(@"^[a-z0-9-]{1,32}\z", RegexOptions.None, 1000)]
    private static partial Regex HostName();
}

/// <summary>A registry that asks for a password.</summary>
internal sealed class DockerRegistryOptions
{
    public string Username { get; set; } = "";

    /// <summary>File with the password or token. It is read at every pull.</summary>
    public string? PasswordFile { get; set; }

    /// <summary>Variable of this process with the password or token.</summary>
    public string? PasswordEnvironment { get; set; }
}

/// <summary>A preset from configuration: a container image and how to start it.</summary>
internal sealed class DockerPresetOptions : ICheckedSettings
{
    public string Image { get; set; } = "";

    /// <summary>Program inside the image; empty for the entry point of the image.</summary>
    public string Program { get; set; } = "";

    /// <summary>Engine in the image: a name of <see cref="KnownEngines"/>. Null for the engine with the preset's name.</summary>
    public string? Engine { get; set; }

    /// <summary>Argument templates; see <see cref="RuntimePreset"/>.</summary>
    public IList<string> Arguments { get; set; } = [];

    public string HealthPath { get; set; } = "/health";

    /// <summary>Path of the tokenizer API; null if there is none.</summary>
    public string? TokenizePath { get; set; }

    public TokenizeShape TokenizeShape { get; set; }

    /// <summary>Variable with the key that the runtime asks its callers for. Null for the engine's, if it has one.</summary>
    public string? KeyVariable { get; set; }

    internal bool KeepsEntrypoint => Program.Length == 0;

    internal RuntimePreset ToPreset(string name) =>
        new()
        {
            Name = name,
            Image = Image,
            Program = KeepsEntrypoint ? "entrypoint" : Program,
            Arguments = [.. Arguments],
            HealthPath = HealthPath,
            TokenizePath = TokenizePath,
            TokenizeShape = TokenizeShape,
            KeyVariable = KeyVariable ?? KnownEngines.Find(Engine ?? name)?.KeyVariable,
            Engine = KnownEngines.Find(Engine ?? name),
        };

    public IEnumerable<SettingFault> Check(string section)
    {
        if (string.IsNullOrWhiteSpace(Image))
        {
            yield return new SettingFault($"{section}:{nameof(Image)}", Image, "a reference of a container image");
        }

        if (Engine is not null && KnownEngines.Find(Engine) is null)
        {
            yield return new SettingFault(
                $"{section}:{nameof(Engine)}",
                Engine,
                string.Join(", ", KnownEngines.All.Select(engine => engine.Name))
            );
        }

        foreach (var fault in ToPreset(section.Split(':')[^1]).Faults())
        {
            yield return new SettingFault(section, fault, "see the built-in presets");
        }
    }
}
