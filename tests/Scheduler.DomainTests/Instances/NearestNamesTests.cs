using Scheduler.Domain.Instances;
using Xunit;

namespace Scheduler.DomainTests.Instances;

public sealed class NearestNamesTests
{
    private const string Letters = "abcdefghijklmnopqrstuvwxyz0123456789";

    private static readonly string[] Regions =
    [
        "asia-northeast3",
        "eu-north1",
        "eu-north2",
        "eu-west1",
        "us-east1",
        "us-east-1",
        "us-west1",
    ];

    [Theory]
    [InlineData("eu-nroth1", "eu-north1", "eu-north2")]
    [InlineData("EU_North1", "eu-north1", "eu-north2")]
    [InlineData("useast1", "us-east-1", "us-east1", "us-west1", "eu-west1")]
    [InlineData("north", "eu-north1", "eu-north2", "asia-northeast3")]
    [InlineData("mars")]
    [InlineData("-")]
    [InlineData("")]
    public void The_nearest_come_first(string text, params string[] near) =>
        Assert.Equal(near, NearestNames.Of(text, Regions));

    [Fact]
    public void At_most_five_are_named_and_the_order_of_the_names_does_not_matter()
    {
        var many = Enumerable.Range(0, 100).Select(i => $"zone-{i}").ToList();
        var near = NearestNames.Of("zone", many);
        Assert.Equal(NearestNames.Most, near.Length);
        Assert.Equal(near, NearestNames.Of("zone", Enumerable.Reverse(many)));
    }

    [LongProperty(2000)]
    public void The_distance_equals_its_recursive_definition(int seed)
    {
        var random = new Random(seed);
        var (text, name) = (Word(random, "abc", 0, 6), Word(random, "abc", 0, 7));
        Assert.Equal(Whole(text, name), NearestNames.Distance(text, name, isPart: false));
        var parts = Enumerable
            .Range(0, name.Length + 1)
            .SelectMany(from =>
                Enumerable.Range(0, name.Length - from + 1).Select(length => name.Substring(from, length))
            );
        Assert.Equal(parts.Min(part => Whole(text, part)), NearestNames.Distance(text, name, isPart: true));
    }

    [LongProperty(1000)]
    public void A_name_with_one_mistake_is_found(int seed)
    {
        var random = new Random(seed);
        var names = Enumerable.Range(0, 20).Select(_ => Word(random, Letters, 6, 14)).ToList();
        var meant = names[random.Next(names.Count)];
        var at = random.Next(meant.Length - 1);
        var typed = random.Next(4) switch
        {
            0 => meant.Remove(at, 1),
            1 => meant.Insert(at, "x"),
            2 => meant.Remove(at, 1).Insert(at, "y"),
            _ => meant[..at] + meant[at + 1] + meant[at] + meant[(at + 2)..],
        };

        var near = NearestNames.Of(typed, names);

        Assert.Contains(meant, near);
        var first = NearestNames.Distance(typed, near[0], isPart: true);
        Assert.True(first <= NearestNames.Distance(typed, meant, isPart: true));
    }

    private static string Word(Random random, string letters, int least, int most) =>
        string.Concat(
            Enumerable.Range(0, random.Next(least, most + 1)).Select(_ => letters[random.Next(letters.Length)])
        );

    private static int Whole(string a, string b)
    {
        if (a.Length == 0 || b.Length == 0)
        {
            return a.Length + b.Length;
        }

        var least = Math.Min(Whole(a[1..], b), Whole(a, b[1..])) + 1;
        least = Math.Min(least, Whole(a[1..], b[1..]) + (a[0] == b[0] ? 0 : 1));
        return a.Length > 1 && b.Length > 1 && a[0] == b[1] && a[1] == b[0]
            ? Math.Min(least, Whole(a[2..], b[2..]) + 1)
            : least;
    }
}
