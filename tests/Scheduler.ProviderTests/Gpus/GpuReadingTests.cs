using Scheduler.ModelFit;
using Scheduler.Providers.Gpus;
using Scheduler.Providers.Process;
using Xunit;

namespace Scheduler.ProviderTests.Gpus;

/// <summary>Outputs of the vendors' tools, in the forms that real hosts print.</summary>
public sealed class GpuReadingTests
{
    private const string H100 =
        "NVIDIA H100 80GB HBM3, 81559, 81008, 580.65.06, GPU-{gpu}-5c1e-0f4b-9a77-6f2d3c4b5a69, Disabled";

    [Fact]
    public void Eight_equal_GPUs()
    {
        var csv = string.Join(
            '\n',
            Enumerable.Range(0, 8).Select(gpu => H100.Replace("{gpu}", $"{gpu:d8}", StringComparison.Ordinal))
        );

        var reading = NvidiaSmi.Read(csv, "");

        Assert.Empty(reading.Faults);
        Assert.Equal(8, reading.Gpus.Select(gpu => gpu.Uuid).Distinct().Count());
        Assert.All(
            reading.Gpus,
            gpu => Assert.Equal(("H100-80GB-SXM", 81559L, 81008L), (TypeOf(gpu), gpu.TotalMib, gpu.FreeMib))
        );
    }

    [Fact]
    public void A_mixed_host_with_a_lost_GPU_and_one_without_MIG_support()
    {
        var reading = NvidiaSmi.Read(
            """
            NVIDIA GeForce RTX 4090, 24564, 24080, 570.133.20, GPU-1b9c3f1e-86a5-4d0b-8f6a-0c8d3e6f4a10, [N/A]
            NVIDIA L40S, 46068, 45470, 570.133.20, GPU-c7b0a9d4-7f6e-4a52-93f5-1f5b8d0e2c3a, [N/A]
            [GPU is lost], [GPU is lost], [GPU is lost], 570.133.20, [GPU is lost], [GPU is lost]
            NVIDIA L40S, [Unknown Error], [Unknown Error], 570.133.20, GPU-e7b0a9d4-7f6e-4a52-93f5-1f5b8d0e2c3b, [N/A]
            NVIDIA L40S, 46068
            """,
            ""
        );

        Assert.Equal(["RTX4090", "L40S"], reading.Gpus.Select(TypeOf));
        Assert.Equal([GpuFault.Lost, GpuFault.Lost, GpuFault.Unreadable], reading.Faults);
    }

    [Fact]
    public void MIG_slices_are_read_instead_of_their_GPU()
    {
        const string csv = """
            NVIDIA A100-SXM4-80GB, 81920, 81037, 550.90.07, GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77, Enabled
            NVIDIA A100-SXM4-80GB, 81920, 81037, 550.90.07, GPU-7d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a78, Enabled
            NVIDIA A100-SXM4-80GB, 81920, 81037, 550.90.07, GPU-9d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a79, Disabled
            """;
        const string list = """
            GPU 0: NVIDIA A100-SXM4-80GB (UUID: GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77)
              MIG 3g.40gb     Device  0: (UUID: MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f)
              MIG 1g.10gb     Device  1: (UUID: MIG-cba663e8-9bed-5b25-b243-5985ef7c9beb)
              MIG 1g.10gb+me  Device  2: (UUID: MIG-1e99e2ab-7b2e-5d9e-8f0a-2b8c4d6e0f12)
            GPU 1: NVIDIA A100-SXM4-80GB (UUID: GPU-7d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a78)
            GPU 2: NVIDIA A100-SXM4-80GB (UUID: GPU-9d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a79)
            """;

        Assert.True(NvidiaSmi.HasMig(csv));
        var reading = NvidiaSmi.Read(csv, list);

        Assert.Equal(
            [
                ("NVIDIA A100-SXM4-80GB MIG 3g.40gb", 40L << 10, true),
                ("NVIDIA A100-SXM4-80GB MIG 1g.10gb", 10L << 10, true),
                ("NVIDIA A100-SXM4-80GB MIG 1g.10gb+me", 10L << 10, true),
                ("NVIDIA A100-SXM4-80GB", 81920L, false),
            ],
            reading.Gpus.Select(gpu => (gpu.Name, gpu.TotalMib, gpu.IsSlice))
        );
        Assert.Equal("MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f", reading.Gpus[0].Uuid);
        Assert.Equal([GpuFault.MigWithoutSlices], reading.Faults);
    }

    [Fact]
    public void A_slice_is_no_whole_GPU_of_the_catalogue() =>
        Assert.Null(TypeOf(new HostGpu("MIG-1", "NVIDIA A100-SXM4-80GB MIG 1g.10gb", 10 << 10, 10 << 10)));

    [Theory]
    [InlineData("")]
    [InlineData("\n\n")]
    public void No_output_is_no_GPU(string csv) => Assert.Equal(GpuReading.None.Gpus, NvidiaSmi.Read(csv, "").Gpus);

    [Fact]
    public void Slices_are_offered_alone_and_whole_GPUs_together()
    {
        HostSlot[] slots =
        [
            new(new HostGpu("GPU-1", "a", 1, 1), "t", false),
            new(new HostGpu("GPU-2", "a", 1, 1), "t", true),
            new(new HostGpu("GPU-3", "a", 1, 1), "t", false),
            new(new HostGpu("MIG-1", "a", 1, 1), "t", false),
            new(new HostGpu("MIG-2", "a", 1, 1), "s", false),
        ];

        var offers = ProcessMapping.Offers(slots, new ProcessOptions());

        Assert.Equal(
            [("sx1", 1), ("tx1", 3), ("tx2", 1), ("tx3", 0)],
            offers.Select(offer => (offer.OfferId, offer.Available))
        );
    }

    [Fact]
    public void AMD_GPUs_of_amd_smi()
    {
        const string described = """
            [{"gpu": 0, "asic": {"market_name": "AMD Instinct MI300X", "vendor_id": "0x1002", "asic_serial": "0x5A3E11D0C0FFEE01"},
              "vram": {"type": "HBM", "vendor": "HYNIX", "size": {"value": 196592, "unit": "MB"}}},
             {"gpu": 1, "asic": {"market_name": "AMD Instinct MI300X", "asic_serial": "0x00000000C0FFEE02"},
              "vram": {"type": "HBM", "size": {"value": 196592, "unit": "MB"}}},
             {"gpu": 2, "asic": {"market_name": "AMD Instinct MI300X", "asic_serial": "N/A"},
              "vram": {"type": "HBM", "size": {"value": 196592, "unit": "MB"}}}]
            """;
        const string used = """
            [{"gpu": 0, "mem_usage": {"total_vram": {"value": 196592, "unit": "MB"}, "free_vram": {"value": 196305, "unit": "MB"}}},
             {"gpu": 1, "mem_usage": {"total_vram": {"value": 196592, "unit": "MB"}, "free_vram": {"value": 1000, "unit": "MB"}}}]
            """;

        var reading = AmdSmi.Read(described, used);

        Assert.Equal(
            [("GPU-5a3e11d0c0ffee01", 196305L), ("GPU-00000000c0ffee02", 1000L)],
            reading.Gpus.Select(gpu => (gpu.Uuid, gpu.FreeMib))
        );
        Assert.All(reading.Gpus, gpu => Assert.Equal((GpuVendor.Amd, "MI300X"), (gpu.Vendor, TypeOf(gpu))));
        Assert.Equal([GpuFault.Unreadable], reading.Faults);
        Assert.Equal(2, AmdSmi.Read($$"""{"gpu_data": {{described}}}""", "").Gpus.Length);
    }

    [Fact]
    public void AMD_GPUs_of_an_older_rocm_smi()
    {
        var reading = AmdSmi.ReadRocm(
            """
            {"card0": {"Unique ID": "0x18f68e602b8a790f", "VRAM Total Memory (B)": "68702699520", "VRAM Total Used Memory (B)": "10850304",
                       "Card Series": "AMD Instinct MI210", "Card Model": "0x740f"},
             "system": {"Driver version": "6.2.4"}}
            """
        );

        var gpu = Assert.Single(reading.Gpus);
        Assert.Equal(("GPU-18f68e602b8a790f", 65520L, 65509L), (gpu.Uuid, gpu.TotalMib, gpu.FreeMib));
        Assert.Empty(reading.Faults);
    }

    [Theory]
    [InlineData("")]
    [InlineData("ERROR: no driver")]
    [InlineData("{}")]
    [InlineData("3")]
    public void What_is_no_list_of_GPUs_is_a_fault(string text)
    {
        Assert.Equal([GpuFault.ToolUnreadable], AmdSmi.Read(text, "").Faults);
        Assert.Empty(AmdSmi.ReadRocm(text).Gpus);
    }

    private static string? TypeOf(HostGpu gpu) =>
        ProcessMapping.TypeOf(
            gpu,
            (name, vramGib, instanceType) => GpuCatalogue.Shipped.Resolve(name, vramGib, instanceType)?.Name
        );
}
