using FsCheck.Xunit;
using Scheduler.Dashboard.Shell;
using Scheduler.Edge;
using Xunit;

namespace Scheduler.UnitTests.Dashboard.Shell;

public sealed class AddressedTests
{
    private static readonly Dictionary<string, (Func<string, string> Read, string Good)> Kinds = new()
    {
        ["account"] = (text => Addressed.Account(text).Value, "acct-a-1"),
        ["instance"] = (text => Addressed.Instance(text).Value, "i-abcdefghijklmnopqrst"),
        ["balancer"] = (text => Addressed.Balancer(text).Value, "bal-abcdefghijklmnopqrst"),
        ["slug"] = (Addressed.Slug, "no-secrets"),
        ["key"] = (Addressed.Key, "key-abcdefghijkl"),
        ["schedule"] = (Addressed.Schedule, "every-morning"),
    };

    public static TheoryData<string> AllKinds => [.. Kinds.Keys];

    [Theory]
    [MemberData(nameof(AllKinds))]
    public void A_text_in_the_form_of_an_id_is_accepted(string kind) =>
        Assert.Equal(Kinds[kind].Good, Kinds[kind].Read(Kinds[kind].Good));

    [Theory]
    [MemberData(nameof(AllKinds))]
    public void A_text_in_another_form_is_not_found(string kind)
    {
        var (read, good) = Kinds[kind];
        string[] wrong =
        [
            "",
            " ",
            good + " ",
            good + "\n",
            good.ToUpperInvariant(),
            good + "/x",
            "../" + good,
            good + new string('a', 100),
        ];
        Assert.All(
            wrong,
            text =>
            {
                var error = Assert.Throws<ApiException>(() => read(text)).Error;
                Assert.Equal((404, ApiErrorCodes.NotFound), (error.HttpStatus, error.Reason));
            }
        );
    }

    [Property]
    public void Any_text_is_an_id_or_is_not_found(string? text)
    {
        foreach (var (read, _) in Kinds.Values)
        {
            try
            {
                Assert.Equal(text ?? "", read(text ?? ""));
            }
            catch (ApiException refused)
            {
                Assert.Equal(404, refused.Error.HttpStatus);
            }
        }
    }

    [Fact]
    public void A_long_text_is_cut_in_the_error()
    {
        var refused = Assert.Throws<ApiException>(() => Addressed.Instance(new string('a', 5000)));
        Assert.Equal(new string('a', 64) + "… not found.", refused.Error.Message);
    }
}
