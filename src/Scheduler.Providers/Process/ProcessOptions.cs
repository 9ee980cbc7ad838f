using Scheduler.Domain.Runtimes;

namespace Scheduler.Providers.Process;

/// <summary>Settings under <c>Providers:Process</c>.</summary>
internal sealed class ProcessOptions
{
    internal const string Section = "Providers:Process";

    /// <summary>Whether runtimes may be started on this host.</summary>
    public bool Enabled { get; set; }

    /// <summary>The provider's id.</summary>
    public string Id { get; set; } = "process";

    /// <summary>The region its offers name.</summary>
    public string Region { get; set; } = "local";

    /// <summary>
    /// Where the children's records and output lie. It is the adapter's whole memory: a new process over the same directory takes the
    /// children over.
    /// </summary>
    public string StateDirectory { get; set; } = "data/process";

    /// <summary>Price of one GPU in EUR per hour, ≥ 0.</summary>
    public decimal PricePerGpuHour { get; set; }

    /// <summary>The program that lists GPUs; a host without it has none.</summary>
    public string NvidiaSmi { get; set; } = "nvidia-smi";

    /// <summary>How long a list of GPUs is trusted.</summary>
    public TimeSpan DiscoverEvery { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>A GPU that has less of its memory free, and is not taken by us, is in somebody else's use and not offered.</summary>
    public double MinFreeMemory { get; set; } = 0.9;

    /// <summary>Capacity without a GPU.</summary>
    public ProcessCpuOptions Cpu { get; set; } = new();

    /// <summary>Address the runtimes listen on and are asked at.</summary>
    public string Host { get; set; } = "127.0.0.1";

    /// <summary>First port given to runtimes. Below the kernel's own range for outgoing connections (32768), so that those take none.</summary>
    public int FirstPort { get; set; } = 28_000;

    /// <summary>Last port given to runtimes.</summary>
    public int LastPort { get; set; } = 28_999;

    /// <summary>From the polite signal until the rude one.</summary>
    public TimeSpan StopGrace { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How often the runtimes are looked at.</summary>
    public TimeSpan ProbeEvery { get; set; } = TimeSpan.FromMilliseconds(500);

    /// <summary>How long a health question may take.</summary>
    public TimeSpan ProbeTimeout { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Health questions in a row that must be answered badly, or find nobody, before a runtime that was healthy counts as unhealthy.
    /// </summary>
    public int UnhealthyAfterProbes { get; set; } = 3;

    /// <summary>
    /// How long a runtime that was healthy may leave all health questions unanswered before it counts as unhealthy. One that works at
    /// much may be silent for some seconds, and starting it anew takes longer.
    /// </summary>
    public TimeSpan UnhealthyAfterSilence { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Output kept per runtime; see <see cref="ProcessOutput"/>.</summary>
    public long MaxOutputBytes { get; set; } = 8 << 20;

    /// <summary>
    /// Variables of this process that the children get. All others stay here: a runtime has no business with our connection strings.
    /// </summary>
    public IList<string> PassEnvironment { get; set; } = [];

    /// <summary>Variables set for the children.</summary>
    public IDictionary<string, string> Environment { get; set; } =
        new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Runtimes by preset name, beside or in place of the built-in ones.</summary>
    public IDictionary<string, ProcessPresetOptions> Presets { get; set; } =
        new Dictionary<string, ProcessPresetOptions>(StringComparer.Ordinal);

    internal RuntimePreset? Preset(string name) =>
        Presets.TryGetValue(name, out var configured)
            ? configured.ToPreset(name)
            : RuntimePresets.BuiltIn.GetValueOrDefault(name);
}

/// <summary>Capacity without a GPU: for trying things out, and for small models.</summary>
internal sealed class ProcessCpuOptions
{
    /// <summary>Whether it is offered.</summary>
    public bool Enabled { get; set; }

    /// <summary>The GPU type its offer names; it must be in the GPU catalogue for launches that check the fit.</summary>
    public string GpuType { get; set; } = "cpu";

    /// <summary>Runtimes at once, ≥ 1.</summary>
    public int Available { get; set; } = 1;

    /// <summary>EUR per hour, ≥ 0.</summary>
    public decimal PricePerHour { get; set; }
}

/// <summary>A runtime from configuration.</summary>
internal sealed class ProcessPresetOptions
{
    /// <summary>Program on PATH, or absolute.</summary>
    public string Program { get; set; } = "";

    /// <summary>Argument templates; see <see cref="RuntimePreset"/>.</summary>
    public IList<string> Arguments { get; set; } = [];

    /// <summary>Path that answers 200 when the runtime can serve.</summary>
    public string HealthPath { get; set; } = "/health";

    /// <summary>Path of its tokenizer, or nothing.</summary>
    public string? TokenizePath { get; set; }

    /// <summary>What its tokenizer speaks.</summary>
    public TokenizeShape TokenizeShape { get; set; }

    internal RuntimePreset ToPreset(string name) =>
        new()
        {
            Name = name,
            Program = Program,
            Arguments = [.. Arguments],
            HealthPath = HealthPath,
            TokenizePath = TokenizePath,
            TokenizeShape = TokenizeShape,
        };
}
