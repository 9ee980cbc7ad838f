using Scheduler.Tests;
using Xunit;

namespace Scheduler.BrowserTests.Changes;

/// <summary>
/// Page tests that change data share a separate scheduler, run one after the other and use their own instances.
/// </summary>
[StartsFirst]
[CollectionDefinition(Name)]
public sealed class ChangingGroup : ICollectionFixture<DashboardScheduler>
{
    public const string Name = "changing";
}
