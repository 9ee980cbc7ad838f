using Scheduler.ModelFit;
using Xunit;

namespace Scheduler.DomainTests.Compatibility;

public sealed class GpuCatalogueTests
{
    private static readonly string[] Unknown = ["M4000", "M60", "P4000"];

    [Fact]
    public void Every_market_offer_resolves_except_three_unknown_gpus()
    {
        foreach (var (gpu, _, gib, instanceType) in OfferShapes.All)
        {
            var resolved = GpuCatalogue.Shipped.Resolve(gpu, gib, instanceType);
            if (Unknown.Contains(gpu))
            {
                Assert.Null(resolved);
                continue;
            }

            Assert.True(resolved is not null, $"{gpu} of {gib} GiB ({instanceType}) is not resolved.");
            Assert.InRange(gib / (resolved.VramBytes / (double)(1L << 30)), 0.95, 1.10);
        }
    }

    [Theory]
    [InlineData("A100", 40.0, "gpu_1x_a100_sxm4", "A100-40GB-SXM")]
    [InlineData("A100", 40.0, "gpu_1x_a100", "A100-40GB-PCIe")]
    [InlineData("A100", 40.0, "Standard_ND96asr_v4", "A100-40GB-SXM")]
    [InlineData("A100-80GB", 80.0, "Standard_NC24ads_A100_v4", "A100-80GB-PCIe")]
    [InlineData("A100-80GB", 80.0, "Standard_ND96amsr_A100_v4", "A100-80GB-SXM")]
    [InlineData("A100-80G-PCIe-NVLink", 80.0, "n3-A100x8-NVLink", "A100-80GB-PCIe")]
    [InlineData("H100", 80.0, "H100_PCIE_80GB::1", "H100-80GB-PCIe")]
    [InlineData("H100", 80.0, "Standard_ND96isr_H100_v5", "H100-80GB-SXM")]
    [InlineData("H100", 94.0, "Standard_NC40ads_H100_v5", "H100-94GB-NVL")]
    [InlineData("H100", 79.65, "gpu-h100x8-640gb", "H100-80GB-SXM")]
    [InlineData("B300", 262.0, "1B300.30V", "B300-SXM")]
    [InlineData("V100", 16.0, "Standard_NC6s_v3", "V100-16GB-SXM")]
    [InlineData("rtx 4090", null, "", "RTX4090")]
    public void An_ambiguous_name_is_resolved_by_size_then_by_instance_type(
        string alias,
        double? gib,
        string hint,
        string name
    ) => Assert.Equal(name, GpuCatalogue.Shipped.Resolve(alias, gib, hint)?.Name);

    [Fact]
    public void Every_name_means_its_type_and_every_alias_at_least_its_type()
    {
        foreach (var gpu in GpuCatalogue.Shipped.All)
        {
            Assert.Equal([gpu], GpuCatalogue.Shipped.Meant(gpu.Name));
            Assert.Equal(
                [gpu],
                GpuCatalogue.Shipped.Meant($"{gpu.Vendor} {gpu.Name.ToUpperInvariant().Replace('-', ' ')}")
            );
            Assert.All(gpu.Aliases, alias => Assert.Contains(gpu, GpuCatalogue.Shipped.Meant(alias)));
        }

        Assert.Equal(2, GpuCatalogue.Shipped.Meant("V100").Length);
        Assert.Equal(2, GpuCatalogue.Shipped.Meant("RTX 6000").Length);
        Assert.Empty(GpuCatalogue.Shipped.Meant("nvidia"));
        Assert.Empty(GpuCatalogue.Shipped.Meant("Quadro"));
        Assert.Empty(GpuCatalogue.Shipped.Meant(""));
    }

    [Fact]
    public void A_known_name_with_another_memory_size_is_not_resolved() =>
        Assert.Null(GpuCatalogue.Shipped.Resolve("RTX4090", 48, "modded"));

    [Fact]
    public void Names_are_unique_and_every_row_is_complete()
    {
        var all = GpuCatalogue.Shipped.All;

        Assert.Equal(47, all.Length);
        Assert.All(
            all,
            gpu =>
            {
                Assert.Equal(gpu, GpuCatalogue.Shipped.Find(gpu.Name));
                Assert.InRange(gpu.VramBytes, 8L << 30, 300L << 30);
                Assert.InRange(
                    gpu.VramBytes,
                    (long)(gpu.NominalGib * 0.93 * (1L << 30)),
                    (long)(gpu.NominalGib * 1.01 * (1L << 30)) + (2L << 30)
                );
                Assert.Contains(gpu.Vendor, (string[])["NVIDIA", "AMD", "Intel"]);
            }
        );
    }

    [Fact]
    public void Shapes_are_sorted_by_total_memory_then_by_count()
    {
        var shapes = GpuCatalogue.Shipped.ShapesBySize;

        Assert.Equal(47 * GpuCatalogue.Counts.Length, shapes.Length);
        Assert.Equal(shapes.OrderBy(shape => shape.TotalVramBytes).ThenBy(shape => shape.Count), shapes);
    }

    [Theory]
    [InlineData("T4", false)]
    [InlineData("A100-80GB-SXM", true)]
    [InlineData("MI300X", true)]
    [InlineData("MI250X", false)]
    public void Fp8_runs_natively_or_where_it_can_be_unpacked(string gpu, bool runs) =>
        Assert.Equal(runs, GpuCatalogue.Shipped.Find(gpu)?.CanRun(WeightFormat.Fp8));
}
