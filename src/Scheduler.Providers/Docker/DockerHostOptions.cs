using System.ComponentModel.DataAnnotations;
using System.Net;
using Scheduler.Domain.Settings;

namespace Scheduler.Providers.Docker;

/// <summary>One host with a Docker or Podman engine.</summary>
internal sealed class DockerHostOptions : ICheckedSettings
{
    private const string EndpointWords =
        "unix:///path of a socket, tcp://host:port with TlsDirectory, or ssh://[user@]host[:port]";

    /// <summary>
    /// Address of the engine. <c>ssh://</c> starts the system's <c>ssh</c>, with the keys, known hosts and jump hosts that it
    /// is configured with.
    /// </summary>
    public string Endpoint { get; set; } = "unix:///var/run/docker.sock";

    /// <summary>
    /// Directory with <c>ca.pem</c>, <c>cert.pem</c> and <c>key.pem</c>, as for <c>DOCKER_CERT_PATH</c>. The files are read at
    /// every connection.
    /// </summary>
    public string? TlsDirectory { get; set; }

    /// <summary>Ids of the accounts that may use the host; empty for all. Others do not see its offers.</summary>
    public IList<string> OnlyFor { get; set; } = [];

    /// <summary>Program for <c>ssh://</c>.</summary>
    public string SshProgram { get; set; } = "ssh";

    /// <summary>Options for it, each as one argument, for example <c>-i</c> and a path.</summary>
    public IList<string> SshOptions { get; set; } = [];

    /// <summary>What runs on the host behind <c>ssh://</c>: it connects its input and output to the engine's socket.</summary>
    public string SshCommand { get; set; } = "docker system dial-stdio";

    /// <summary>Region of the offers. Null for the host's name.</summary>
    public string? Region { get; set; }

    /// <summary>
    /// Name or address under which the scheduler and its gateways reach the runtimes. Null for the host in
    /// <see cref="Endpoint"/>, and for loopback with <c>unix://</c>.
    /// </summary>
    public string? Address { get; set; }

    /// <summary>
    /// Address of the host on which the runtimes' ports are published. Null for <see cref="Address"/> when that is an IP address,
    /// otherwise all of the host's addresses.
    /// </summary>
    public string? PublishOn { get; set; }

    /// <summary>
    /// Whether the network to the host is encrypted, for example by WireGuard. Then launches that require an encrypted path may use it.
    /// </summary>
    public bool EncryptedPath { get; set; }

    /// <summary>How containers get GPUs.</summary>
    public DockerGpuAccess GpuAccess { get; set; } = DockerGpuAccess.Nvidia;

    /// <summary>The GPUs that the scheduler may use. Others must not use them: an engine reserves no GPU.</summary>
    public IList<DockerGpuOptions> Gpus { get; set; } = [];

    /// <summary>
    /// Image in which <c>nvidia-smi</c> lists the GPUs when <see cref="Gpus"/> is empty, for example <c>ubuntu:24.04</c>: the
    /// NVIDIA runtime adds the program. Null for no discovery.
    /// </summary>
    public string? DiscoverWith { get; set; }

    /// <summary>How long discovered GPUs are used before the host is asked again.</summary>
    [DurationRange("00:00:01", "1.00:00:00")]
    public TimeSpan DiscoverEvery { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>Price of one GPU in EUR per hour, ≥ 0.</summary>
    [Range(0.0, 100_000.0)]
    public decimal PricePerGpuHour { get; set; }

    public DockerCpuOptions Cpu { get; set; } = new();

    /// <summary>Main memory of a container for each of its GPUs, GiB; null for no limit.</summary>
    [Range(1, 1 << 20)]
    public int? MemoryGibPerGpu { get; set; }

    /// <summary>Processes and threads of a container.</summary>
    [Range(16, 4_194_304)]
    public long PidsLimit { get; set; } = 16_384;

    /// <summary>
    /// Volume, or absolute path on the host, where models are kept between launches. It is shared by all containers there.
    /// Null for none.
    /// </summary>
    public string? ModelCache { get; set; }

    /// <summary>Other mounts, as <c>host-path:container-path[:ro]</c>, for example of a directory with models.</summary>
    public IList<string> Binds { get; set; } = [];

    /// <summary>Capabilities that containers keep; they have no others.</summary>
    public IList<string> Capabilities { get; set; } = [];

    internal Uri EndpointUri => new(Endpoint);

    internal string AddressOrDefault =>
        Address ?? (EndpointUri is { Scheme: "unix" } ? IPAddress.Loopback.ToString() : EndpointUri.Host);

    /// <summary>Whether runtimes are reached on this machine only.</summary>
    internal bool IsOnLoopback =>
        IPAddress.TryParse(PublishOnOrDefault, out var address) && IPAddress.IsLoopback(address);

    internal string PublishOnOrDefault =>
        PublishOn ?? (IPAddress.TryParse(AddressOrDefault, out var address) ? address.ToString() : "");

    public IEnumerable<SettingFault> Check(string section)
    {
        if (!IsEndpoint())
        {
            yield return new SettingFault($"{section}:{nameof(Endpoint)}", Endpoint, EndpointWords);
            yield break;
        }

        if (EndpointUri is { Scheme: "tcp", IsLoopback: false } && TlsDirectory is null)
        {
            yield return new SettingFault(
                $"{section}:{nameof(TlsDirectory)}",
                "missing",
                "a directory with ca.pem, cert.pem and key.pem",
                "with tcp:// to another host, where an open port gives everybody root"
            );
        }

        if (PublishOn is { Length: > 0 } publish && !IPAddress.TryParse(publish, out _))
        {
            yield return new SettingFault($"{section}:{nameof(PublishOn)}", publish, "an IP address of the host");
        }

        if (Gpus.Count == 0 && DiscoverWith is null && !Cpu.Enabled)
        {
            yield return new SettingFault(
                $"{section}:{nameof(Gpus)}",
                "empty",
                $"GPUs, {nameof(DiscoverWith)}, or {nameof(Cpu)}:{nameof(DockerCpuOptions.Enabled)}"
            );
        }

        if (DiscoverWith is not null && GpuAccess == DockerGpuAccess.Amd)
        {
            yield return new SettingFault($"{section}:{nameof(DiscoverWith)}", DiscoverWith, "null for AMD: list Gpus");
        }

        foreach (var fault in CheckGpus(section).Concat(OnlyForAccounts.Check(section, OnlyFor)))
        {
            yield return fault;
        }
    }

    private IEnumerable<SettingFault> CheckGpus(string section)
    {
        foreach (var (index, gpu) in Gpus.Index())
        {
            if (string.IsNullOrWhiteSpace(gpu.Type) || gpu.Ids.Count == 0 == (gpu.Count == 0))
            {
                yield return new SettingFault(
                    $"{section}:{nameof(Gpus)}:{index}",
                    gpu.Type,
                    "a Type, and Count or Ids"
                );
            }
        }

        var ids = Gpus.Where(gpu => gpu.Ids.Count > 0).SelectMany(gpu => gpu.Ids).ToList();
        if (ids.Distinct(StringComparer.Ordinal).Count() != ids.Count)
        {
            yield return new SettingFault($"{section}:{nameof(Gpus)}", "an id twice", "different ids");
        }

        if (Gpus.Any(gpu => gpu.Ids.Count == 0) && ids.Count > 0)
        {
            yield return new SettingFault(
                $"{section}:{nameof(Gpus)}",
                "Count and Ids",
                "Count for all GPUs, or Ids for all"
            );
        }
    }

    private bool IsEndpoint() =>
        Uri.TryCreate(Endpoint, UriKind.Absolute, out var uri)
        && uri.Scheme switch
        {
            "unix" => uri.AbsolutePath.Length > 1 && uri.Host.Length == 0,
            "tcp" => uri.Host.Length > 0 && uri.Port > 0,
            "ssh" => uri.Host.Length > 0
                && !uri.Host.StartsWith('-')
                && !uri.UserInfo.Contains(':', StringComparison.Ordinal),
            _ => false,
        };
}

internal enum DockerGpuAccess
{
    /// <summary>Device requests to the NVIDIA container toolkit. Ids are UUIDs or indexes.</summary>
    Nvidia = 0,

    /// <summary>Names of the container device interface, <c>nvidia.com/gpu={id}</c>. For Podman, and Docker from 25.</summary>
    Cdi = 1,

    /// <summary><c>/dev/kfd</c> and one render node for each GPU. Ids are names such as <c>renderD128</c>.</summary>
    Amd = 2,
}

/// <summary>Equal GPUs of a host.</summary>
internal sealed class DockerGpuOptions
{
    /// <summary>GPU type of the catalogue.</summary>
    public string Type { get; set; } = "";

    /// <summary>How many, when <see cref="Ids"/> is empty. They have the indexes after those of the entry before.</summary>
    [Range(0, 64)]
    public int Count { get; set; }

    /// <summary>UUIDs (<c>nvidia-smi -L</c>), which unlike indexes never change, or render nodes.</summary>
    public IList<string> Ids { get; set; } = [];
}

/// <summary>Capacity without a GPU, for tests and small models.</summary>
internal sealed class DockerCpuOptions
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
