using Xunit;
using Xunit.Sdk;
using Xunit.v3;

[assembly: TestCollectionOrderer(typeof(Scheduler.Tests.LongestFirst))]

namespace Scheduler.Tests;

/// <summary>Runs the collections of <see cref="StartsFirstAttribute"/> before all others.</summary>
internal sealed class LongestFirst : ITestCollectionOrderer
{
    private readonly string[] _first =
    [
        .. typeof(LongestFirst)
            .Assembly.GetTypes()
            .Where(type => type.IsDefined(typeof(StartsFirstAttribute), inherit: false))
            .Select(type => type.FullName!),
    ];

    public IReadOnlyCollection<TTestCollection> OrderTestCollections<TTestCollection>(
        IReadOnlyCollection<TTestCollection> testCollections
    )
        where TTestCollection : ITestCollection =>
        [
            .. DefaultTestCollectionOrderer
                .Instance.OrderTestCollections(testCollections)
                .OrderByDescending(collection => _first.Any(name => Holds(collection, name))),
        ];

    /// <summary>The collection of a class without a definition has the name of the class only in its text.</summary>
    private static bool Holds(ITestCollection collection, string type) =>
        collection.TestCollectionClassName == type
        || collection.TestCollectionDisplayName.Contains($" {type} ", StringComparison.Ordinal);
}
