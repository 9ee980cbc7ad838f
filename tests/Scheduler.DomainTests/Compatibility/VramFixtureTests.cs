using Scheduler.ModelFit;
using Xunit;

namespace Scheduler.DomainTests.Compatibility;

/// <summary>
/// Parameters and cache bytes per token, computed from public configs and compared with published counts.
/// </summary>
public sealed class VramFixtureTests
{
    private static readonly (ModelFacts Model, long Parameters, long CacheBytesPerToken)[] Rows =
    [
        (TestModels.Shipped("Qwen/Qwen2.5-0.5B"), 494_032_768, 12_288),
        (TestModels.Shipped("meta-llama/Llama-3.2-1B-Instruct"), 1_235_814_400, 32_768),
        (TestModels.Llama32Of3B, 3_212_749_824, 114_688),
        (TestModels.Shipped("meta-llama/Llama-2-7b-hf"), 6_738_415_616, 524_288),
        (TestModels.Shipped("mistralai/Mistral-7B-Instruct-v0.3"), 7_248_023_552, 131_072),
        (TestModels.Shipped("Qwen/Qwen2.5-7B"), 7_615_616_512, 57_344),
        (TestModels.Shipped("meta-llama/Llama-3.1-8B"), 8_030_261_248, 131_072),
        (TestModels.Shipped("Qwen/Qwen3-8B"), 8_190_735_360, 147_456),
        (TestModels.Shipped("google/gemma-2-9b"), 9_241_705_984, 344_064),
        (TestModels.Llama2Of13B, 13_015_864_320, 819_200),
        (TestModels.Qwen25Of14B, 14_770_033_664, 196_608),
        (TestModels.Shipped("Qwen/Qwen3-30B-A3B"), 30_532_122_624, 98_304),
        (TestModels.Shipped("Qwen/Qwen3-32B"), 32_762_123_264, 262_144),
        (TestModels.Qwen25Of32B, 32_763_876_352, 262_144),
        (TestModels.Shipped("mistralai/Mixtral-8x7B-v0.1"), 46_702_792_704, 131_072),
        (TestModels.Llama2Of70B, 68_976_648_192, 327_680),
        (TestModels.Shipped("meta-llama/Llama-3.1-70B"), 70_553_706_496, 327_680),
        (TestModels.Shipped("meta-llama/Llama-3.3-70B-Instruct"), 70_553_706_496, 327_680),
        (TestModels.Shipped("Qwen/Qwen2.5-72B"), 72_706_203_648, 327_680),
        (TestModels.Shipped("openai/gpt-oss-120b"), 116_829_156_672, 36_864),
        (TestModels.Qwen3Of235B, 235_093_634_560, 192_512),
        (TestModels.Shipped("meta-llama/Llama-3.1-405B"), 405_853_388_800, 516_096),
        (TestModels.Shipped("deepseek-ai/DeepSeek-V3"), 671_026_419_200, 70_272),
    ];

    public static TheoryData<int> Indices => [.. Enumerable.Range(0, Rows.Length)];

    [Theory]
    [MemberData(nameof(Indices))]
    public void Parameters_and_cache_bytes_per_token_equal_the_table(int row)
    {
        var (model, parameters, cacheBytes) = Rows[row];

        Assert.Equal(parameters, model.Parameters);
        Assert.Equal(cacheBytes, GrowingBytesPerToken(model, KvFormat.Bf16));
    }

    [Theory]
    [InlineData("tiiuae/falcon-mamba-7b", 7_272_665_088)]
    [InlineData("BAAI/bge-m3", 567_754_752)]
    [InlineData("nvidia/Nemotron-H-56B-Base-8K", 56_324_350_464)]
    public void Models_without_a_published_count_have_the_size_their_dimensions_give(string name, long parameters) =>
        Assert.Equal(parameters, TestModels.Shipped(name).Parameters);

    [Fact]
    public void An_fp8_cache_is_half_as_large() =>
        Assert.Equal(65_536, GrowingBytesPerToken(TestModels.Shipped("meta-llama/Llama-3.1-8B"), KvFormat.Fp8));

    [Fact]
    public void A_sparse_latent_cache_in_fp8_takes_656_bytes_a_layer_and_the_indexer_132()
    {
        var caches = TestModels.Shipped("deepseek-ai/DeepSeek-V3.2").Caches;

        Assert.Equal(40_016, Bytes(caches.Single(cache => cache.Kind == CacheKind.Latent)));
        Assert.Equal(61 * 132, Bytes(caches.Single(cache => cache.Kind == CacheKind.Indexer)));

        static long Bytes(CacheGroup cache) =>
            cache.Layers * VramEstimate.TokenBytes(cache, KvFormat.Fp8, 1, isSparse: true);
    }

    [Fact]
    public void A_scale_per_token_and_head_adds_8_bytes_for_each_KV_head()
    {
        var model = TestModels.Shipped("meta-llama/Llama-3.1-8B");

        Assert.Equal(65_536 + (32 * 2 * 8 * 4), GrowingBytesPerToken(model, KvFormat.Int8PerTokenHead));
    }

    [Theory]
    [InlineData("google/gemma-2-9b", 21, 21)]
    [InlineData("mistralai/Mistral-7B-v0.1", 0, 32)]
    [InlineData("openai/gpt-oss-20b", 12, 12)]
    [InlineData("Qwen/Qwen2.5-7B", 28, 0)]
    public void Sliding_and_full_attention_layers_are_distinguished(string name, int full, int sliding)
    {
        var caches = TestModels.Shipped(name).Caches;

        Assert.Equal(full, caches.Where(cache => cache.Kind == CacheKind.FullAttention).Sum(cache => cache.Layers));
        Assert.Equal(sliding, caches.Where(cache => cache.Kind == CacheKind.SlidingWindow).Sum(cache => cache.Layers));
    }

    [Theory]
    [InlineData("ai21labs/AI21-Jamba-1.5-Mini", 4, 28)]
    [InlineData("nvidia/Nemotron-H-56B-Base-8K", 10, 54)]
    [InlineData("nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", 6, 23)]
    [InlineData("Qwen/Qwen3.5-27B", 16, 48)]
    [InlineData("tiiuae/falcon-mamba-7b", 0, 64)]
    public void Hybrid_models_have_state_layers_beside_attention_layers(string name, int attention, int state)
    {
        var caches = TestModels.Shipped(name).Caches;

        Assert.Equal(
            attention,
            caches.Where(cache => cache.Kind == CacheKind.FullAttention).Sum(cache => cache.Layers)
        );
        Assert.Equal(state, caches.Where(cache => cache.Kind == CacheKind.State).Sum(cache => cache.Layers));
        Assert.All(caches.Where(cache => cache.Kind == CacheKind.State), cache => Assert.True(cache.StateBytes > 0));
    }

    [Fact]
    public void Llama_4_has_chunked_attention_in_three_of_four_layers()
    {
        var caches = TestModels.Shipped("meta-llama/Llama-4-Scout-17B-16E-Instruct").Caches;

        Assert.Equal(12, caches.Single(cache => cache.Kind == CacheKind.FullAttention).Layers);
        Assert.Equal(
            (36, 8192L),
            caches
                .Where(cache => cache.Kind == CacheKind.Chunked)
                .Select(cache => (cache.Layers, cache.Window))
                .Single()
        );
    }

    [Theory]
    [InlineData("Qwen/Qwen3-32B-AWQ", WeightFormat.Int4)]
    [InlineData("Qwen/Qwen3-8B-FP8", WeightFormat.Fp8)]
    [InlineData("RedHatAI/Llama-4-Scout-17B-16E-Instruct-FP8-dynamic", WeightFormat.Fp8)]
    [InlineData("moonshotai/Kimi-K2.5", WeightFormat.Int4)]
    [InlineData("nvidia/DeepSeek-V3.1-NVFP4", WeightFormat.NvFp4)]
    [InlineData("openai/gpt-oss-20b", WeightFormat.MxFp4)]
    [InlineData("Qwen/Qwen3-8B", WeightFormat.Bf16)]
    public void The_published_format_is_read(string name, WeightFormat format) =>
        Assert.Equal(format, TestModels.Shipped(name).NativeFormat);

    [Fact]
    public void Modules_excluded_from_quantization_stay_at_16_bits()
    {
        var scout = TestModels.Shipped("RedHatAI/Llama-4-Scout-17B-16E-Instruct-FP8-dynamic");
        var kimi = TestModels.Shipped("moonshotai/Kimi-K2.5");
        var nvfp4 = TestModels.Shipped("nvidia/DeepSeek-V3.1-NVFP4");

        Assert.Equal([WeightFormat.Bf16], FormatsOf(scout, WeightRole.Attention));
        Assert.Equal([WeightFormat.Fp8], FormatsOf(scout, WeightRole.RoutedExpert));
        Assert.Equal([WeightFormat.Bf16], FormatsOf(kimi, WeightRole.SharedExpert));
        Assert.Equal([WeightFormat.Int4], FormatsOf(kimi, WeightRole.RoutedExpert));
        Assert.Equal([WeightFormat.Bf16], FormatsOf(kimi, WeightRole.DenseMlp));
        Assert.Equal([WeightFormat.Bf16], FormatsOf(nvfp4, WeightRole.LatentDown));
        Assert.Equal([WeightFormat.NvFp4], FormatsOf(nvfp4, WeightRole.RoutedExpert));
        Assert.Equal(KvFormat.Fp8, nvfp4.PublishedKvFormat);
    }

    private static IEnumerable<WeightFormat> FormatsOf(ModelFacts model, WeightRole role) =>
        model.Weights.Where(group => group.Role == role).Select(group => group.Stored.Format).Distinct();

    private static long GrowingBytesPerToken(ModelFacts model, KvFormat kv) =>
        model
            .Caches.Where(cache =>
                cache.Kind is CacheKind.FullAttention or CacheKind.Latent
                || (cache.Kind == CacheKind.SlidingWindow && model.Architecture is "gemma2")
            )
            .Sum(cache => cache.Layers * VramEstimate.TokenBytes(cache, kv, 1, isSparse: false));
}
