using Scheduler.Domain.Ids;
using Scheduler.Providers.Http;
using Xunit;

namespace Scheduler.ProviderTests.Http;

public sealed class AllocationMarkTests
{
    private static readonly AllocationKey Key = new("i-0123456789abcdefghij-r12-a3");

    [Theory]
    [InlineData("local")]
    [InlineData("prod eu/1")]
    [InlineData("a.b_c-d")]
    [InlineData("Zürich")]
    [InlineData("this-name-of-a-cluster-is-so-long-that-it-does-not-fit-the-name")]
    public void A_name_of_64_characters_identifies_cluster_key_and_instance(string cluster)
    {
        var name = AllocationMark.Of(cluster, Key, 64);
        var mark = AllocationMark.Read(name);

        Assert.True(name.Length <= 64 && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-'));
        Assert.Equal(Key, mark?.Key);
        Assert.Equal(new InstanceId("i-0123456789abcdefghij"), mark?.Instance);
        Assert.True(mark!.IsOf(cluster));
        Assert.False(mark.IsOf(cluster + "x"));
        Assert.False(mark.IsOf(""));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("my own pod")]
    [InlineData("gs1.")]
    [InlineData("gs1.a")]
    [InlineData("gs1.a.")]
    [InlineData("gs1..k")]
    [InlineData("gs1.a.k_")]
    [InlineData("gs1.a.k_zz")]
    [InlineData("gs1.a.b.c")]
    [InlineData("GS1.a.k")]
    public void Another_name_is_not_ours(string? name) => Assert.Null(AllocationMark.Read(name));

    [Fact]
    public void A_key_that_does_not_fit_is_an_error() =>
        Assert.Throws<ArgumentException>(() => AllocationMark.Of("c", new AllocationKey(new string('k', 60)), 64));
}
