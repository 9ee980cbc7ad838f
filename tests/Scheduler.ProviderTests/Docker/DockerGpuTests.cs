using Scheduler.Domain.Placement;
using Scheduler.Providers.Docker;
using Xunit;

namespace Scheduler.ProviderTests.Docker;

public sealed class DockerGpuTests : IAsyncLifetime
{
    private DockerHost _host = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _host = await DockerHost.StartAsync();

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task Offers_are_what_is_free_at_the_configured_price()
    {
        _host.Host.Cpu = new DockerCpuOptions
        {
            Enabled = true,
            Available = 2,
            PricePerHour = 0.05m,
        };
        await _host.Open().AllocateAsync(DockerHost.Request("i-one-r1-a1"), Ct);

        var offers = (await _host.Open().ListOffersAsync(Ct)).Offers;

        Assert.Equal(
            ["RTX4090x1 2 0.4", "RTX4090x2 1 0.8", "RTX4090x3 0 1.2", "cpu 2 0.05"],
            offers.Select(offer =>
                FormattableString.Invariant(
                    $"{offer.OfferId} {offer.Available} {(double)offer.PricePerHour.Value / 1e6}"
                )
            )
        );
        Assert.All(
            offers,
            offer => Assert.Equal(("gpu-1", CapacityTier.Dedicated, false), (offer.Region, offer.Tier, offer.Spot))
        );
    }

    [Fact]
    public async Task Discovery_reads_nvidia_smi_in_a_container_and_leaves_none()
    {
        _host.Host.Gpus = [];
        _host.Host.DiscoverWith = "ubuntu:24.04";
        _host.Quirks.NvidiaSmi =
            "NVIDIA GeForce RTX 4090, 24564, 24100, 570.1, GPU-aa\nNVIDIA GeForce RTX 4090, 24564, 24100, 570.1, GPU-bb\nNVIDIA T1000, 4096, 4000, 570.1, GPU-cc\nno line\n";
        var provider = _host.Open();

        var listing = await provider.ListOffersAsync(Ct);
        await provider.AllocateAsync(DockerHost.Request("i-one-r1-a1", offer: "RTX4090x2"), Ct);

        Assert.Equal(["RTX4090x1", "RTX4090x2"], listing.Offers.Select(offer => offer.OfferId));
        Assert.Equal(1, listing.Skipped["unknown_gpu"]);
        Assert.Equal(1, listing.Skipped["unreadable"]);
        var requests = _host.Server.CreateRequests;
        Assert.Equal(2, requests.Count);
        Assert.Equal(
            """["GPU-aa","GPU-bb"]""",
            requests[1]["HostConfig"]!["DeviceRequests"]![0]!["DeviceIDs"]!.ToJsonString()
        );
        Assert.Single(_host.Server.Names);
    }

    [Fact]
    public async Task A_host_without_the_NVIDIA_runtime_says_so_and_keeps_its_other_offers()
    {
        _host.Host.Gpus = [];
        _host.Host.DiscoverWith = "ubuntu:24.04";
        _host.Host.Cpu = new DockerCpuOptions { Enabled = true };
        _host.Quirks.HasNoNvidia = true;

        var listing = await _host.Open().ListOffersAsync(Ct);

        Assert.Equal("cpu", Assert.Single(listing.Offers).OfferId);
        Assert.Equal(1, listing.Skipped["no_nvidia_runtime"]);
        Assert.Empty(_host.Server.Names);
    }

    [Theory]
    [InlineData("4.3.1", DockerGpuAccess.Nvidia, 0)]
    [InlineData("5.4.0", DockerGpuAccess.Nvidia, 0)]
    [InlineData("4.3.1", DockerGpuAccess.Cdi, 0)]
    [InlineData("5.4.0", DockerGpuAccess.Cdi, 3)]
    [InlineData("4.3.1", DockerGpuAccess.Amd, 3)]
    internal async Task Podman_offers_GPUs_only_where_its_containers_get_them(
        string version,
        DockerGpuAccess access,
        int offers
    )
    {
        _host.Quirks.Podman = version;
        _host.Host.GpuAccess = access;

        var listing = await _host.Open().ListOffersAsync(Ct);

        Assert.Equal(offers, listing.Offers.Length);
        Assert.Equal(offers == 0 ? 3 : 0, listing.Skipped.GetValueOrDefault("podman_gives_no_gpus"));
    }

    [Theory]
    [InlineData(DockerGpuAccess.Cdi, """[{"Driver":"cdi","DeviceIDs":["nvidia.com/gpu=GPU-aa"]}]""", "null")]
    [InlineData(
        DockerGpuAccess.Amd,
        "null",
        """[{"PathOnHost":"/dev/kfd","PathInContainer":"/dev/kfd","CgroupPermissions":"rwm"},{"PathOnHost":"/dev/dri/GPU-aa","PathInContainer":"/dev/dri/GPU-aa","CgroupPermissions":"rwm"}]"""
    )]
    internal async Task Devices_are_requested_as_the_host_gives_them(
        DockerGpuAccess access,
        string requests,
        string devices
    )
    {
        _host.Host.GpuAccess = access;
        _host.Host.Gpus = [new DockerGpuOptions { Type = "RTX4090", Ids = ["GPU-aa"] }];

        await _host.Open().AllocateAsync(DockerHost.Request("i-one-r1-a1"), Ct);

        var config = Assert.Single(_host.Server.CreateRequests)["HostConfig"]!;
        Assert.Equal(requests, config["DeviceRequests"]?.ToJsonString() ?? "null");
        Assert.Equal(devices, config["Devices"]?.ToJsonString() ?? "null");
    }

    [Theory]
    [InlineData("llama", "docker.io")]
    [InlineData("vllm/vllm-openai:v1", "docker.io")]
    [InlineData("ghcr.io/ggml-org/llama.cpp:server", "ghcr.io")]
    [InlineData("localhost/a", "localhost")]
    [InlineData("registry:5000/a/b@sha256:1", "registry:5000")]
    public void The_registry_of_a_reference_is_its_first_part(string image, string registry) =>
        Assert.Equal(registry, DockerMapping.RegistryOf(image));

    [Theory]
    [InlineData("a/b", "a/b:latest")]
    [InlineData("host:5000/b", "host:5000/b:latest")]
    [InlineData("host:5000/b:1", "host:5000/b:1")]
    [InlineData("b@sha256:12", "b@sha256:12")]
    public void A_reference_without_a_tag_means_latest(string image, string tagged) =>
        Assert.Equal(tagged, DockerMapping.Tagged(image));
}
