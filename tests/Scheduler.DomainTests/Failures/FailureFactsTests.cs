using Scheduler.Domain.Failures;
using Xunit;

namespace Scheduler.DomainTests.Failures;

/// <summary>All types of failure facts, filled by reflection, so that a new type is included automatically.</summary>
public sealed class FailureFactsTests
{
    public static TheoryData<Type> EveryKind() => [.. SampleFacts.Kinds];

    [Theory]
    [MemberData(nameof(EveryKind))]
    public void Facts_give_a_message_and_a_hint_with_a_number_or_a_name(Type kind)
    {
        foreach (var sparse in new[] { false, true })
        {
            var failure = FailureCatalogue.Describe(SampleFacts.Of(kind, sparse));

            Assert.NotEqual(FailureCode.None, failure.Code);
            Assert.Contains(FailureCatalogue.All, definition => definition.Code == failure.Code);
            Assert.NotEmpty(failure.Message);
            Assert.NotEmpty(failure.Hint);
            Assert.DoesNotContain('\n', failure.Message);
            Assert.DoesNotContain('\n', failure.Hint);
            Assert.EndsWith(".", failure.Hint, StringComparison.Ordinal);
            Assert.All(failure.Details, detail => Assert.NotEmpty(detail.Value));
            if (!sparse && kind.GetConstructors()[0].GetParameters().Length > 0)
            {
                var said = failure.Message + failure.Hint;
                Assert.True(
                    said.Any(char.IsDigit)
                        || said.Contains('`', StringComparison.Ordinal)
                        || said.Contains(SampleFacts.Name, StringComparison.Ordinal),
                    $"{kind.Name} contains no number or name: {said}"
                );
            }
        }
    }
}
