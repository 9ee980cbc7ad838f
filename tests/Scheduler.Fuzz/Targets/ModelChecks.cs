using Scheduler.Domain.Models;
using Scheduler.ModelFit;

namespace Scheduler.Fuzz.Targets;

/// <summary>What every reading of a model file must keep.</summary>
internal static class ModelChecks
{
    public static Outcome Check(ModelReading reading, int length, string engine)
    {
        if (reading.Refusal is { } refusal)
        {
            Require(refusal.Message.Length is > 0 and < 4096, "A refusal has a message of bounded length.");
            Require(refusal.Field.Length is > 0 and < 4096, "A refusal names a field.");
            Require(
                refusal.Kind != ModelRefusalKind.NeedMoreBytes || refusal.BytesNeeded > length,
                "A header that continues states more bytes than were given."
            );
            return Outcome.Refused(Shape.Add(Shape.Add(Shape.Start, (ulong)refusal.Kind), refusal.Message));
        }

        var facts = reading.Facts!;
        Require(facts.Parameters >= 0 && facts.WeightBytes >= 0, "Sums do not overflow.");
        Require(facts.StoredElements >= 0 && facts.KvBytesPerToken >= 0, "Sums do not overflow.");
        GpuIncompatibleFacts.Of(
            facts,
            new LaunchPlan(null, KvFormat.Bf16, 1, 1, engine),
            null,
            null,
            GpuCatalogue.Shipped
        );
        var shape = Shape.Add(Shape.Start, (ulong)facts.NativeFormat);
        shape = Shape.Add(shape, facts.TiedEmbeddings);
        shape = Shape.Add(shape, facts.IsEncoder);
        shape = Shape.Add(shape, facts.MaxContextTokens is null);
        foreach (var cache in facts.Caches)
        {
            shape = Shape.Add(shape, (ulong)cache.Kind);
        }

        foreach (var group in facts.Weights)
        {
            shape = Shape.Add(shape, ((ulong)group.Role << 8) + (ulong)group.Stored.Format);
        }

        return Outcome.Accepted(shape);
    }

    private static void Require(bool holds, string promise)
    {
        if (!holds)
        {
            throw new BrokenPromiseException(promise);
        }
    }
}
