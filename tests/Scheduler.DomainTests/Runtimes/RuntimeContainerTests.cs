using System.Collections.Immutable;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;
using Scheduler.Domain.Runtimes.Engines;
using Xunit;

namespace Scheduler.DomainTests.Runtimes;

public sealed class RuntimeContainerTests
{
    private const string Key = "0123456789abcdef";

    public static TheoryData<string> EngineNames => [.. KnownEngines.All.Select(engine => engine.Name)];

    [Fact]
    public void A_vendor_that_keeps_the_entry_point_gets_the_rest_of_the_command()
    {
        var container = Of("vllm");

        Assert.Equal(["vllm", "serve", "Qwen/Qwen3-8B"], container.Command[..3]);
        Assert.Equal("Qwen/Qwen3-8B", container.Arguments!.Value[0]);
        Assert.Equal(container.Command[2..], container.Arguments.Value);
        Assert.Equal("/health", container.HealthPath);
        Assert.Contains("0.0.0.0", container.Command);
    }

    [Fact]
    public void The_runtime_key_is_a_variable_where_the_engine_reads_one()
    {
        var container = Of("vllm");

        Assert.Equal(Key, container.Environment["VLLM_API_KEY"]);
        Assert.Equal("hf", container.Environment["HF_TOKEN"]);
        Assert.DoesNotContain(container.Command, word => word.Contains(Key, StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(EngineNames))]
    public void INV_13_every_engine_gets_its_key_or_is_refused(string name)
    {
        var (container, fault) = Container(name);

        if (container is null)
        {
            Assert.Contains("cannot ask its callers for a key", fault, StringComparison.Ordinal);
            return;
        }

        Assert.True(container.Environment.ContainsValue(Key) || container.Command[^1] == Key);
        Assert.DoesNotContain(Key, container.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_preset_without_an_image_is_refused()
    {
        var preset = RuntimePresets.Vllm with { Image = null };

        var (container, fault) = RuntimeContainer.Of(preset, Request("vllm"));

        Assert.Null(container);
        Assert.Equal("The preset 'vllm' names no container image.", fault);
    }

    private static RuntimeContainer Of(string engine) => Container(engine).Container!;

    private static (RuntimeContainer? Container, string? Fault) Container(string engine) =>
        RuntimeContainer.Of(RuntimePresets.BuiltIn[engine], Request(engine));

    private static AllocationRequest Request(string engine) =>
        new(
            new AllocationKey("i-c-r1-a1"),
            new AllocationTag("c", new InstanceId("i-c")),
            new Offer(new ProviderId("p"), "o", "eu", "H100-80GB-SXM", 1, CapacityTier.Standard, false, default, 1),
            new RuntimeSpec
            {
                Preset = engine,
                Model = "Qwen/Qwen3-8B",
                ServingName = "qwen",
                ContextTokens = 4096,
            },
            new RuntimeKey(Key)
        )
        {
            Environment = ImmutableSortedDictionary<string, string>.Empty.Add("HF_TOKEN", "hf"),
        };
}
