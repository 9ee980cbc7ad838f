using System.ComponentModel.DataAnnotations;
using System.Net;
using Scheduler.Domain.Runtimes;
using Scheduler.Domain.Runtimes.Engines;
using Scheduler.Domain.Settings;
using Scheduler.Providers.Gpus;

namespace Scheduler.Providers.Process;

/// <summary>Settings under <c>Providers:Process</c>.</summary>
internal sealed class ProcessOptions : ICheckedSettings
{
    internal const string Section = "Providers:Process";

    private const int HighestPort = 65_535;
    private const string IdWords = "1 to 63 of a-z, 0-9 and '-'";
    private const string RegionWords = "1 to 63 characters";

    /// <summary>Whether the provider is registered, so that runtimes may start on this host.</summary>
    public bool Enabled { get; set; }

    [Required(ErrorMessage = IdWords)]
    [RegularExpression("[a-z0-9-]{1,63}", ErrorMessage = IdWords)]
    public string Id { get; set; } = "process";

    [Required(ErrorMessage = RegionWords)]
    [StringLength(63, ErrorMessage = RegionWords)]
    public string Region { get; set; } = "local";

    /// <summary>
    /// Directory for the children's records and output. It is the only storage of the adapter: a new scheduler process
    /// with the same directory takes over the children.
    /// </summary>
    [Required(ErrorMessage = "a directory path")]
    public string StateDirectory { get; set; } = "data/process";

    /// <summary>Price of one GPU in EUR per hour, ≥ 0.</summary>
    [Range(0.0, 100_000.0)]
    public decimal PricePerGpuHour { get; set; }

    /// <summary>Program that lists NVIDIA's GPUs and MIG slices. Without it the host offers none of them.</summary>
    public string NvidiaSmi { get; set; } = "nvidia-smi";

    /// <summary>Program that lists AMD's GPUs; if it does not exist, <see cref="RocmSmi"/> is asked.</summary>
    public string AmdSmi { get; set; } = "amd-smi";

    public string RocmSmi { get; set; } = "rocm-smi";

    /// <summary>
    /// GPU types of the catalogue by the driver's name, for what the catalogue does not know by that name. A MIG slice is named
    /// <c>NVIDIA A100-SXM4-80GB MIG 3g.40gb</c>; its type must not have more memory than the slice.
    /// </summary>
    public IDictionary<string, string> GpuTypes { get; set; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>How long the list of GPUs is cached.</summary>
    [DurationRange("00:00:00.010", "01:00:00")]
    public TimeSpan DiscoverEvery { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// Share of free memory, 0 to 1. A GPU with less free memory that no allocation uses is in use by another program
    /// and not offered.
    /// </summary>
    [Range(0.0, 1.0)]
    public double MinFreeMemory { get; set; } = 0.9;

    public ProcessCpuOptions Cpu { get; set; } = new();

    /// <summary>IP address that the runtimes listen on and that the scheduler probes.</summary>
    public string Host { get; set; } = "127.0.0.1";

    /// <summary>
    /// First port for runtimes. The default is below the kernel's range for outgoing connections (from 32768), so that
    /// those do not take it.
    /// </summary>
    [Range(1024, HighestPort)]
    public int FirstPort { get; set; } = 28_000;

    public int LastPort { get; set; } = 28_999;

    /// <summary>From SIGTERM until SIGKILL.</summary>
    [DurationRange("00:00:00.010", "01:00:00")]
    public TimeSpan StopGrace { get; set; } = TimeSpan.FromSeconds(10);

    [DurationRange("00:00:00.010", "01:00:00")]
    public TimeSpan ProbeEvery { get; set; } = TimeSpan.FromMilliseconds(500);

    [DurationRange("00:00:00.010", "01:00:00")]
    public TimeSpan ProbeTimeout { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Number of consecutive health probes with an error status or a refused connection after which a runtime that was
    /// healthy counts as unhealthy.
    /// </summary>
    [Range(1, 1_000)]
    public int UnhealthyAfterProbes { get; set; } = 3;

    /// <summary>
    /// How long a runtime that was healthy may answer no health probe before it counts as unhealthy. A runtime under
    /// load may not answer for some seconds, and a restart takes longer.
    /// </summary>
    [DurationRange("00:00:00.010", "01:00:00")]
    public TimeSpan UnhealthyAfterSilence { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Maximum size of the output file of a runtime; see <see cref="ProcessOutput"/>.</summary>
    [Range((double)(64 << 10), 1L << 40)]
    public long MaxOutputBytes { get; set; } = 8 << 20;

    /// <summary>
    /// Variables of this process that the children receive. They receive no others, because those may contain secrets
    /// such as connection strings.
    /// </summary>
    public IList<string> PassEnvironment { get; set; } = [];

    public IDictionary<string, string> Environment { get; set; } =
        new Dictionary<string, string>(StringComparer.Ordinal);

    public ProcessIsolationOptions Isolation { get; set; } = new();

    /// <summary>Presets by name, in addition to the built-in ones; an equal name replaces a built-in one.</summary>
    public IDictionary<string, ProcessPresetOptions> Presets { get; set; } =
        new Dictionary<string, ProcessPresetOptions>(StringComparer.Ordinal);

    internal GpuTools GpuTools => new(NvidiaSmi, AmdSmi, RocmSmi);

    internal ProbeLimits Probe => new(ProbeEvery, ProbeTimeout, UnhealthyAfterProbes, UnhealthyAfterSilence);

    /// <summary>Whether only this host reaches the runtimes.</summary>
    internal bool IsOnLoopback => IPAddress.TryParse(Host, out var address) && IPAddress.IsLoopback(address);

    internal RuntimePreset? Preset(string name) =>
        Presets.TryGetValue(name, out var configured)
            ? configured.ToPreset(name)
            : RuntimePresets.BuiltIn.GetValueOrDefault(name);

    public IEnumerable<SettingFault> Check(string section)
    {
        if (Enabled && !OperatingSystem.IsLinux())
        {
            yield return new SettingFault($"{section}:{nameof(Enabled)}", true, "false on systems other than Linux");
        }

        if (!IPAddress.TryParse(Host, out _))
        {
            yield return new SettingFault($"{section}:{nameof(Host)}", Host, "an IP address of this host");
        }

        if (Enabled)
        {
            foreach (
                var fault in Isolation.Faults(
                    $"{section}:{nameof(Isolation)}",
                    LastPort - FirstPort + 1,
                    HostAbilities.Read()
                )
            )
            {
                yield return fault;
            }
        }

        if (LastPort < FirstPort || LastPort > HighestPort)
        {
            yield return new SettingFault(
                $"{section}:{nameof(LastPort)}",
                LastPort,
                $"{nameof(FirstPort)} to {HighestPort}"
            );
        }
    }
}

/// <summary>Capacity without a GPU, for tests and small models.</summary>
internal sealed class ProcessCpuOptions
{
    public bool Enabled { get; set; }

    /// <summary>GPU type of the offer. Launches that check the fit need it in the GPU catalogue.</summary>
    [Required(ErrorMessage = "a GPU type of the catalogue")]
    public string GpuType { get; set; } = "cpu";

    /// <summary>Maximum number of runtimes at the same time, ≥ 1.</summary>
    [Range(1, 1_000)]
    public int Available { get; set; } = 1;

    /// <summary>EUR per hour, ≥ 0.</summary>
    [Range(0.0, 100_000.0)]
    public decimal PricePerHour { get; set; }
}

/// <summary>A runtime preset from configuration.</summary>
internal sealed class ProcessPresetOptions : ICheckedSettings
{
    /// <summary>Program name on PATH, or an absolute path.</summary>
    public string Program { get; set; } = "";

    /// <summary>
    /// Engine behind the program: a name of <see cref="KnownEngines"/>. Its options are then known, and <c>{plan}</c> and
    /// <c>{source}</c> become its arguments. Null for the engine with the preset's name, if there is one.
    /// </summary>
    public string? Engine { get; set; }

    /// <summary>Argument templates; see <see cref="RuntimePreset"/>.</summary>
    public IList<string> Arguments { get; set; } = [];

    /// <summary>Path that returns 200 when the runtime can serve.</summary>
    public string HealthPath { get; set; } = "/health";

    /// <summary>Path of the tokenizer API; null if there is none.</summary>
    public string? TokenizePath { get; set; }

    public TokenizeShape TokenizeShape { get; set; }

    /// <summary>
    /// Environment variable with the key that the program must ask its callers for. Null for that of its engine, if there is one.
    /// </summary>
    public string? KeyVariable { get; set; }

    internal RuntimePreset ToPreset(string name) =>
        new()
        {
            Name = name,
            Program = Program,
            Arguments = [.. Arguments],
            HealthPath = HealthPath,
            TokenizePath = TokenizePath,
            TokenizeShape = TokenizeShape,
            KeyVariable = KeyVariable ?? KnownEngines.Find(Engine ?? name)?.KeyVariable,
            Engine = KnownEngines.Find(Engine ?? name),
        };

    public IEnumerable<SettingFault> Check(string section)
    {
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
