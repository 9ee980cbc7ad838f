using FsCheck.Xunit;
using Scheduler.Domain.Models;
using Scheduler.ModelFit;
using Xunit;

namespace Scheduler.DomainTests.Compatibility;

public sealed class GgufHeaderTests
{
    private static readonly byte[] Valid = GgufBytes.SmallLlama().Build();

    [Fact]
    public void A_valid_header_gives_shape_and_exact_bytes()
    {
        var facts = GgufHeader.Parse("small", Valid).Facts;

        Assert.NotNull(facts);
        Assert.Equal(
            ("llama", 2, 256, 64, 8, 2),
            (
                facts.Architecture,
                facts.Layers,
                facts.HiddenSize,
                facts.VocabularySize,
                facts.AttentionHeads,
                facts.KvHeads
            )
        );
        Assert.Equal(4096, facts.MaxContextTokens);
        Assert.Equal(WeightFormat.Gguf, facts.NativeFormat);
        // Q4_K: 144 bytes of 256 weights; Q6_K: 210; F32: 4 each.
        const long linears = 2 * ((2 * 256 * 256) + (2 * 256 * 64) + (3 * 256 * 512));
        Assert.Equal(((linears + (256 * 64)) / 256 * 144) + (256 * 64 / 256 * 210) + (5 * 256 * 4), facts.WeightBytes);
        Assert.Equal(new CacheGroup(CacheKind.FullAttention, 2, 2, 32, 32, 0, 0), Assert.Single(facts.Caches));
        Assert.False(facts.TiedEmbeddings);
    }

    [Fact]
    public void Version_2_is_read_and_version_1_is_refused()
    {
        Assert.True(GgufHeader.Parse("v2", Small(2).Build()).IsRead);
        Assert.Equal(ModelRefusalKind.Unsupported, GgufHeader.Parse("v1", Small(1).Build()).Refusal?.Kind);

        static GgufBytes Small(uint version) =>
            new GgufBytes { Version = version }
                .Text("general.architecture", "llama")
                .Number("llama.block_count", 1)
                .Number("llama.embedding_length", 8)
                .Tensor("token_embd.weight", 1, 8, 8);
    }

    [Fact]
    public void A_truncated_header_reports_how_many_bytes_it_needs()
    {
        var given = 0L;
        for (var round = 0; round <= Valid.Length; round++)
        {
            var reading = GgufHeader.Parse("small", Valid.AsSpan(0, (int)given));
            if (reading.IsRead)
            {
                Assert.Equal(Valid.Length, given);
                return;
            }

            Assert.Equal(ModelRefusalKind.NeedMoreBytes, reading.Refusal.Kind);
            Assert.InRange(reading.Refusal.BytesNeeded ?? 0, given + 1, Valid.Length);
            given = reading.Refusal.BytesNeeded ?? 0;
        }

        Assert.Fail("The header was never complete.");
    }

    [Theory]
    [InlineData("", ModelRefusalKind.NeedMoreBytes)]
    [InlineData("PK\u0003\u0004 not a gguf file, but long enough", ModelRefusalKind.Malformed)]
    public void Bytes_that_are_not_GGUF_are_refused(string text, ModelRefusalKind kind) =>
        Assert.Equal(kind, GgufHeader.Parse("x", System.Text.Encoding.UTF8.GetBytes(text)).Refusal?.Kind);

    [Fact]
    public void Out_of_range_counts_lengths_and_depths_are_refused()
    {
        byte[] start = [.. "GGUF"u8, .. BitConverter.GetBytes(3u)];
        Assert.Equal(
            ModelRefusalKind.BadField,
            Kind([.. start, .. BitConverter.GetBytes(ulong.MaxValue), .. BitConverter.GetBytes(1UL)])
        );
        Assert.Equal(
            ModelRefusalKind.BadField,
            Kind([.. start, .. BitConverter.GetBytes(1UL), .. BitConverter.GetBytes(ulong.MaxValue)])
        );
        byte[] key =
        [
            .. start,
            .. BitConverter.GetBytes(1UL),
            .. BitConverter.GetBytes(1UL),
            .. BitConverter.GetBytes(1UL),
            (byte)'k',
        ];
        // A string and an array larger than memory, and deeply nested arrays.
        Assert.Equal(
            ModelRefusalKind.BadField,
            Kind([.. key, .. BitConverter.GetBytes(8u), .. BitConverter.GetBytes(1UL << 62)])
        );
        Assert.Equal(ModelRefusalKind.BadField, Kind([.. key, .. Array(0, 1UL << 62)]));
        Assert.Equal(
            ModelRefusalKind.BadField,
            Kind([.. key, .. BitConverter.GetBytes(9u), .. Enumerable.Repeat(Nested(), 10).SelectMany(bytes => bytes)])
        );

        static byte[] Array(uint type, ulong length) =>
            [.. BitConverter.GetBytes(9u), .. BitConverter.GetBytes(type), .. BitConverter.GetBytes(length)];
        static byte[] Nested() => [.. BitConverter.GetBytes(9u), .. BitConverter.GetBytes(1UL)];
        static ModelRefusalKind? Kind(byte[] bytes) => GgufHeader.Parse("x", bytes).Refusal?.Kind;
    }

    [Fact]
    public void Gpt_oss_120b_as_GGUF_has_the_logged_size()
    {
        var facts = GgufHeader.Parse("gpt-oss-120b", GgufBytes.GptOss120B().Build()).Facts;

        Assert.NotNull(facts);
        Assert.Equal(116_829_156_672, facts.Parameters);
        Assert.Equal(59.02, Math.Round(facts.WeightBytes / (double)(1L << 30), 2));
        Assert.Equal([18, 18], facts.Caches.Select(cache => cache.Layers));
    }

    [Property(MaxTest = 2000)]
    public void Random_bytes_never_throw_and_never_allocate_much(byte[] bytes) => ParseBounded(bytes);

    [Property(MaxTest = 2000)]
    public void Random_bytes_after_the_magic_never_throw_and_never_allocate_much(byte[] bytes) =>
        ParseBounded([.. "GGUF"u8, 3, 0, 0, 0, .. bytes]);

    [Property(MaxTest = 5000)]
    public void A_mutated_header_never_throws_and_never_allocates_much(
        int first,
        byte value,
        int second,
        byte other,
        int cut
    )
    {
        var bytes = (byte[])Valid.Clone();
        bytes[(first & int.MaxValue) % bytes.Length] = value;
        bytes[(second & int.MaxValue) % bytes.Length] ^= other;
        ParseBounded(cut % 4 == 0 ? bytes[..((cut & int.MaxValue) % bytes.Length)] : bytes);
    }

    private static void ParseBounded(byte[] bytes)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        var reading = GgufHeader.Parse("fuzz", bytes);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.True(reading.IsRead ^ reading.Refusal is not null);
        Assert.True(allocated < 65_536 + (16 * bytes.Length), $"{allocated} bytes for {bytes.Length}.");
        if (reading.Facts is { } facts)
        {
            // Parsed facts can be judged without overflow.
            GpuIncompatibleFacts.Of(
                facts,
                new LaunchPlan(null, KvFormat.Bf16, 1, 1, "llama-server"),
                GpuCatalogue.Shipped.All[0],
                1,
                GpuCatalogue.Shipped
            );
        }
    }
}
