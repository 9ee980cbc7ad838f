using Scheduler.Domain.Failures;
using Xunit;

namespace Scheduler.DomainTests.Failures;

/// <summary>Every kind of facts there is, filled by reflection, so that a new kind is held to the same from its first day.</summary>
public sealed class FailureFactsTests
{
    public static TheoryData<Type> EveryKind() => [.. SampleFacts.Kinds];

    [Theory]
    [MemberData(nameof(EveryKind))]
    public void Facts_tell_what_happened_and_give_an_instruction_with_a_number_or_a_name(Type kind)
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
                    $"{kind.Name} says nothing of the case: {said}"
                );
            }
        }
    }
}
