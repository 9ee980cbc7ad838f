using FsCheck;
using FsCheck.Xunit;
using Scheduler.Api.Instances;
using Scheduler.Domain.Instances;
using Scheduler.DomainTests.Instances;
using Scheduler.Edge;
using Xunit;

namespace Scheduler.UnitTests.Api;

/// <summary>A spec that a remedy proposes must pass the API's own validation.</summary>
public sealed class RemedySpecTests
{
    [Property(MaxTest = 500)]
    public void The_API_accepts_the_spec_of_every_remedy(DoNotSize<int> seed, bool isEdited)
    {
        foreach (var (_, record) in new SampleFailures(seed.Item).OfEveryCode(isEdited))
        {
            foreach (var remedy in Remedies.For(record).Where(remedy => remedy.Spec is not null))
            {
                var faults = new Faults();
                faults.CheckSpec(remedy.Spec!.ToProto(), isWhole: true);
                Assert.True(faults.None, $"seed {seed.Item}, {remedy.Title}: {string.Join(" ", faults.All)}");
            }
        }
    }
}
