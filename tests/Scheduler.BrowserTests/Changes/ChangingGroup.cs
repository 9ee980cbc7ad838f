using Xunit;

namespace Scheduler.BrowserTests.Changes;

/// <summary>Page tests that change something share a scheduler of their own, one after the other, each with instances of its own.</summary>
[CollectionDefinition(Name)]
public sealed class ChangingGroup : ICollectionFixture<DashboardScheduler>
{
    public const string Name = "changing";
}
