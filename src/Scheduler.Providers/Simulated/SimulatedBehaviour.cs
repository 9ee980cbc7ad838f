using System.Collections.Immutable;
using Scheduler.Domain.Providers;

namespace Scheduler.Providers.Simulated;

internal sealed record SimulatedBehaviour
{
    public TimeSpan AllocateLatency { get; init; }
    public bool OutOfStock { get; init; }
    public bool QuotaExceeded { get; init; }
    public bool NeverAnswer { get; init; }
    public TimeSpan AnswerLate { get; init; }
    public bool AnswerTwice { get; init; }
    public bool FailAfterEffect { get; init; }
    public TimeSpan BootTime { get; init; }
    public double CacheFactor { get; init; } = 1;
    public SimulatedEnd EndAtLoad { get; init; }
    public TimeSpan? SpotReclaimAfter { get; init; }
    public TimeSpan? OomAfter { get; init; }
    public TimeSpan? ExitAfter { get; init; }
    public TimeSpan? UnhealthyAfter { get; init; }
    public TimeSpan ReleaseTime { get; init; }

    internal static SimulatedBehaviour From(SimulatedOptions options) =>
        new()
        {
            AllocateLatency = options.AllocateLatency,
            BootTime = options.BootTime,
            ReleaseTime = options.ReleaseTime,
        };

    /// <summary>Applies the matching rules to the defaults. The first rule that sets a property wins.</summary>
    internal SimulatedBehaviour Under(ImmutableArray<SimulatedFault> rules, AllocationRequest request)
    {
        var sum = this;
        for (var i = rules.Length - 1; i >= 0; i--)
        {
            if (rules[i].Hits(request))
            {
                sum = sum.With(rules[i], request.Offer.Spot);
            }
        }

        return sum;
    }

    private SimulatedBehaviour With(SimulatedFault rule, bool spot) =>
        new()
        {
            AllocateLatency = rule.AllocateLatency ?? AllocateLatency,
            OutOfStock = rule.OutOfStock ?? OutOfStock,
            QuotaExceeded = rule.QuotaExceeded ?? QuotaExceeded,
            NeverAnswer = rule.NeverAnswer ?? NeverAnswer,
            AnswerLate = rule.AnswerLate ?? AnswerLate,
            AnswerTwice = rule.AnswerTwice ?? AnswerTwice,
            FailAfterEffect = rule.FailAfterEffect ?? FailAfterEffect,
            BootTime = rule.BootTime ?? BootTime,
            CacheFactor = rule.CacheFactor ?? CacheFactor,
            EndAtLoad = LoadEnd(rule) ?? EndAtLoad,
            SpotReclaimAfter = spot ? rule.SpotReclaimAfter ?? SpotReclaimAfter : null,
            OomAfter = rule.OomAfter ?? OomAfter,
            ExitAfter = rule.ExitAfter ?? ExitAfter,
            UnhealthyAfter = rule.UnhealthyAfter ?? UnhealthyAfter,
            ReleaseTime = rule.ReleaseTime ?? ReleaseTime,
        };

    private static SimulatedEnd? LoadEnd(SimulatedFault rule)
    {
        if (rule.OomAtLoad == true)
        {
            return SimulatedEnd.OutOfMemory;
        }

        if (rule.ModelLoadError == true)
        {
            return SimulatedEnd.ModelLoad;
        }

        if (rule.ImagePullError == true)
        {
            return SimulatedEnd.ImagePull;
        }

        return rule is { OomAtLoad: null, ModelLoadError: null, ImagePullError: null } ? null : SimulatedEnd.None;
    }
}

internal enum SimulatedEnd
{
    None = 0,
    OutOfMemory = 1,
    Exit = 2,
    ModelLoad = 3,
    ImagePull = 4,
    Preempted = 5,
}
