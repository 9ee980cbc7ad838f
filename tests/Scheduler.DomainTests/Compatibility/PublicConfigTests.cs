using System.Text.Json;
using Scheduler.ModelFit;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.DomainTests.Compatibility;

/// <summary>Public config files and GGUF shapes that were once read wrongly or refused, with what their publishers state.</summary>
public sealed class PublicConfigTests
{
    private static readonly string Folder = Repository.Path("tests", "Scheduler.DomainTests", "Compatibility", "Data");

    private static readonly Dictionary<string, string> Configs = File.ReadLines(Path.Combine(Folder, "configs.jsonl"))
        .Select(line => JsonDocument.Parse(line).RootElement)
        .ToDictionary(
            row => row.GetProperty("id").GetString()!,
            row => row.GetProperty("config").GetRawText(),
            StringComparer.Ordinal
        );

    [Theory]
    [InlineData("m01", 8_291_375_616)]
    [InlineData("m03", 7_721_324_544)]
    [InlineData("m04", 30_532_122_624)]
    [InlineData("m08", 7_063_427_072)]
    [InlineData("m10", 131_596_523_520)]
    [InlineData("m13", 4_146_621_440)]
    [InlineData("m20", 49_867_145_216)]
    [InlineData("m24", 2_127_532_032)]
    [InlineData("m26", 8_292_166_656)]
    [InlineData("m31", 32_207_337_984)]
    [InlineData("m32", 49_122_681_728)]
    [InlineData("m37", 1_170_340_608)]
    [InlineData("m40", 80_393_183_232)]
    [InlineData("m42", 149_655_232)]
    [InlineData("m45", 434_139_136)]
    [InlineData("m46", 7_615_616_512)]
    [InlineData("m48", 7_248_023_552)]
    public void A_config_gives_the_published_count(string id, long parameters)
    {
        var facts = Read(id);

        Assert.Equal(parameters, facts.Parameters);
        Assert.Empty(facts.Doubts);
    }

    [Theory]
    // Served; with the layer for the next-but-one token its publisher counts 35.95e9.
    [InlineData("m06", 35.107e9)]
    [InlineData("m17", 120.7e9)]
    [InlineData("m21", 25.8e9)]
    [InlineData("m30", 1.55e9)]
    [InlineData("m35", 4.62e9)]
    [InlineData("m41", 4.68e9)]
    public void A_config_gives_nearly_the_rounded_count(string id, double parameters)
    {
        var facts = Read(id);

        Assert.InRange(facts.Parameters / parameters, 0.99, 1.01);
        Assert.Empty(facts.Doubts);
    }

    [Theory]
    [InlineData("m06", 20_480)]
    [InlineData("m10", 163_840)]
    [InlineData("m21", 20_480)]
    [InlineData("m32", 8_064)]
    [InlineData("m37", 12_288)]
    [InlineData("m42", 0)]
    [InlineData("m45", 0)]
    public void A_config_gives_the_cache_of_its_layers(string id, long bytesPerToken) =>
        Assert.Equal(bytesPerToken, Read(id).KvBytesPerToken);

    [Theory]
    [InlineData("m32", 1_048_576)]
    [InlineData("m46", 131_072)]
    public void A_config_gives_the_longest_context(string id, long tokens) =>
        Assert.Equal(tokens, Read(id).MaxContextTokens);

    [Fact]
    public void Parallel_states_are_kept_in_every_layer() =>
        Assert.Equal(24, Read("m30").Caches.Single(cache => cache.Kind == CacheKind.State).Layers);

    [Fact]
    public void Long_lists_of_globs_are_read()
    {
        var facts = Read("m14");

        Assert.Equal(WeightFormat.NvFp4, facts.NativeFormat);
        Assert.Equal(KvFormat.Fp8, facts.PublishedKvFormat);
        Assert.All(
            facts.Weights.Where(group => group.Role is WeightRole.Attention or WeightRole.LatentDown),
            group => Assert.Equal(WeightFormat.Bf16, group.Stored.Format)
        );
    }

    [Theory]
    [InlineData("g03", 24_576, 36)]
    [InlineData("g05", 81_920, 0)]
    [InlineData("g07", 65_536, 0)]
    [InlineData("g09", 4_997_120, 0)]
    [InlineData("g11", 0, 0)]
    public void A_GGUF_header_gives_cache_and_states(string id, long bytesPerToken, int states)
    {
        var facts = Header(id).Facts;

        Assert.NotNull(facts);
        Assert.Equal(bytesPerToken, facts.KvBytesPerToken);
        Assert.Equal(states, facts.Caches.Where(cache => cache.Kind == CacheKind.State).Sum(cache => cache.Layers));
    }

    [Fact]
    public void Sliding_layers_of_a_GGUF_header_have_their_own_heads_and_widths() =>
        Assert.Contains(
            new CacheGroup(CacheKind.SlidingWindow, 50, 16, 256, 256, 1024, 0),
            Header("g05").Facts!.Caches
        );

    [Fact]
    public void One_file_of_a_split_model_is_refused_and_names_the_number_of_files()
    {
        var refusal = Header("g01").Refusal;

        Assert.Equal("split.count", refusal?.Field);
        Assert.Contains("3 files", refusal?.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void All_files_of_a_split_model_are_summed_and_their_number_of_tensors_is_checked()
    {
        byte[] first = Part(0, 2)
            .Text("general.architecture", "llama")
            .Number("llama.block_count", 1)
            .Number("llama.embedding_length", 8)
            .Tensor("token_embd.weight", 0, 8, 8)
            .Build();
        byte[] second = Part(1, 2).Tensor("blk.0.ffn_up.weight", 0, 8, 16).Build();
        byte[] twice = Part(0, 2).Tensor("blk.0.ffn_up.weight", 0, 8, 16).Build();
        byte[] more = Part(1, 2).Tensor("a", 0, 8).Tensor("b", 0, 8).Build();

        Assert.Equal(64 + 128, GgufHeader.Parse("split", first, [second]).Facts?.Parameters);
        Assert.Equal("split.no", GgufHeader.Parse("split", first, [twice]).Refusal?.Field);
        Assert.Equal("split.tensors.count", GgufHeader.Parse("split", first, [more]).Refusal?.Field);
        Assert.Equal("split.count", GgufHeader.Parse("split", first, [second, second]).Refusal?.Field);

        static GgufBytes Part(uint number, uint tensors) =>
            new GgufBytes().Number("split.no", number).Number("split.count", 2).Number("split.tensors.count", tensors);
    }

    [Theory]
    [InlineData(31)]
    [InlineData(38)]
    [InlineData(40)]
    [InlineData(41)]
    [InlineData(42)]
    public void Tensor_types_to_42_are_read(uint type)
    {
        var bytes = new GgufBytes()
            .Text("general.architecture", "llama")
            .Number("llama.block_count", 1)
            .Number("llama.embedding_length", 128)
            .Tensor("token_embd.weight", type, 128, 128)
            .Build();

        Assert.InRange(GgufHeader.Parse("types", bytes).Facts?.WeightBytes ?? 0, 128 * 18, 128 * 72);
    }

    [Fact]
    public void A_fault_is_named_at_its_field() => Assert.Equal("attention.key_length", Header("g13").Refusal?.Field);

    [Theory]
    [InlineData(1, true)]
    [InlineData(2, true)]
    [InlineData(4, false)]
    public void Blocks_of_FP8_scales_stay_whole_on_each_GPU(int gpus, bool isAllowed)
    {
        var gpu = GpuCatalogue.Shipped.Find("H100-80GB-SXM")!;
        var request = new LaunchPlan(null, KvFormat.Bf16, 8192, 1, "vllm");

        var verdict = GpuFit.Judge(Read("m04"), request, gpu, gpus);

        Assert.Equal(isAllowed, verdict.IsCompatible);
        Assert.Equal(isAllowed ? FitObstacle.None : FitObstacle.GpuCount, verdict.Obstacle);
        Assert.True(GpuFit.Judge(Read("m04"), request with { EnginePreset = "llama-server" }, gpu, gpus).IsCompatible);
    }

    [Fact]
    public void A_context_scaled_by_YaRN_fits() =>
        Assert.True(
            GpuFit
                .Judge(
                    Read("m46"),
                    new LaunchPlan(null, KvFormat.Bf16, 131_072, 1, "vllm"),
                    GpuCatalogue.Shipped.Find("H100-80GB-SXM")!,
                    1
                )
                .IsCompatible
        );

    private static ModelFacts Read(string id)
    {
        var reading = TestModels.ReadText(Configs[id]);
        return reading.Facts ?? throw new InvalidOperationException($"{id}: {reading.Refusal?.Message}");
    }

    private static ModelReading Header(string id) =>
        GgufHeader.Parse(id, File.ReadAllBytes(Path.Combine(Folder, id + ".gguf")));
}
