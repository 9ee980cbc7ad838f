using System.Globalization;
using System.Text;
using Scheduler.ModelFit;
using Xunit;

namespace Scheduler.DomainTests.Compatibility;

public sealed class ModelCatalogueTests
{
    private static readonly Dictionary<string, long> ArithmeticFigures = new(StringComparer.Ordinal)
    {
        // Logical parameters from the notes in models.csv, where the published count is missing or includes something
        // else.
        ["Qwen/Qwen3-0.6B"] = 596_049_920,
        ["Qwen/Qwen3-32B"] = 32_762_123_264,
        ["Qwen/Qwen3-32B-AWQ"] = 32_762_123_264,
        ["Qwen/Qwen3-32B-FP8"] = 32_762_123_264,
        ["Qwen/Qwen3-8B-FP8"] = 8_190_735_360,
        ["deepseek-ai/DeepSeek-R1"] = 671_026_419_200,
        ["deepseek-ai/DeepSeek-V3"] = 671_026_419_200,
        ["meta-llama/Llama-2-7b-hf"] = 6_738_415_616,
        ["microsoft/phi-4"] = 14_659_507_200,
        ["mistralai/Mistral-Nemo-Instruct-2407"] = 12_247_782_400,
        ["mistralai/Mixtral-8x22B-v0.1"] = 140_620_634_112,
        ["openai/gpt-oss-120b"] = 116_829_156_672,
        ["openai/gpt-oss-20b"] = 20_914_757_184,
    };

    /// <summary>Differences between published and computed counts, with the reason.</summary>
    private static readonly Dictionary<string, long> ExplainedDifferences = new(StringComparer.Ordinal)
    {
        // The tied output head is stored a second time: 151,936 x 1,024.
        ["Qwen/Qwen3-0.6B"] = 155_582_464,
        // The file contains 64 rotary frequencies for each of 32 layers, which are not parameters.
        ["meta-llama/Llama-2-7b-hf"] = 2_048,
        // 56 elements in each of 61 layers that neither weights nor block scales explain: 3e-9 of the count.
        ["moonshotai/Kimi-K2-Instruct"] = 3_416,
    };

    public static TheoryData<string> Names => [.. ModelCatalogue.Names];

    public static TheoryData<string, long> Published
    {
        get
        {
            var data = new TheoryData<string, long>();
            foreach (var row in Rows().Where(row => row["total_params"].Length > 0))
            {
                data.Add(row["hugging_face_id"], long.Parse(row["total_params"], CultureInfo.InvariantCulture));
            }

            return data;
        }
    }

    public static TheoryData<string, long> PublishedBytes
    {
        get
        {
            var data = new TheoryData<string, long>();
            foreach (var row in Rows().Where(row => row["safetensors_total_bytes"].Length > 0))
            {
                data.Add(
                    row["hugging_face_id"],
                    long.Parse(row["safetensors_total_bytes"], CultureInfo.InvariantCulture)
                );
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_shipped_config_is_read_and_has_weights(string name)
    {
        var facts = ModelCatalogue.Find(name);

        Assert.NotNull(facts);
        Assert.True(facts.Parameters > 100_000_000, $"{name}: {facts.Parameters}");
        Assert.True(facts.WeightBytes > facts.Parameters / 4, $"{name}: {facts.WeightBytes}");
        Assert.Equal(facts.IsEncoder, facts.Caches.IsEmpty);
    }

    [Theory]
    [MemberData(nameof(Published))]
    public void Stored_elements_equal_the_published_count(string name, long published)
    {
        var facts = ModelCatalogue.Find(name);

        Assert.NotNull(facts);
        Assert.Equal(ExplainedDifferences.GetValueOrDefault(name), published - facts.StoredElements);
    }

    [Fact]
    public void Logical_parameters_equal_the_arithmetic_figures_of_the_notes()
    {
        Assert.All(ArithmeticFigures, pair => Assert.Equal(pair.Value, ModelCatalogue.Find(pair.Key)?.Parameters));
    }

    [Theory]
    [MemberData(nameof(PublishedBytes))]
    public void Stored_bytes_lie_within_a_thousandth_of_the_published_files(string name, long published)
    {
        var facts = ModelCatalogue.Find(name);

        Assert.NotNull(facts);
        var stored = facts.Weights.Sum(group => group.StoredBytes);
        var error = (stored - published) / (double)published;
        TestContext.Current.SendDiagnosticMessage($"{name}: {stored} of {published}, {error:P4}");
        Assert.InRange(error, -0.001, 0.001);
    }

    [Fact]
    public void An_unknown_model_is_null() => Assert.Null(ModelCatalogue.Find("nobody/nothing"));

    private static IEnumerable<IReadOnlyDictionary<string, string>> Rows() =>
        Csv.Rows(Encoding.UTF8.GetString(EmbeddedData.Model("models.csv")))
            .Where(row => row["file"].EndsWith(".config.json", StringComparison.Ordinal));
}
