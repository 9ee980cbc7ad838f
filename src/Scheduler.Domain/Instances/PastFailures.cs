using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Runtimes;
using Scheduler.ModelFit;

namespace Scheduler.Domain.Instances;

/// <summary>
/// The latest failed attempts of an instance. Remedies and estimates learn from them: a route that failed repeatedly is
/// not proposed first, and memory that was not enough once does not count as enough again.
/// </summary>
/// <param name="Attempts">Oldest first, at most <see cref="Kept"/>.</param>
[GenerateSerializer, Immutable, Alias("scheduler.PastFailures")]
public sealed record PastFailures([property: Id(0)] ImmutableArray<FailedAttempt> Attempts)
{
    /// <summary>More than a caller tries in a row, few enough to store.</summary>
    public const int Kept = 8;

    public static PastFailures None { get; } = new([]);

    /// <summary>
    /// Adds the attempt that ended with a failure. A lack of main memory is left out: the estimate is of GPU memory.
    /// </summary>
    public static PastFailures? With(InstanceRecord failing, Failure failure) =>
        RuntimeEndFacts.IsOfMainMemory(failure) ? failing.PastFailures : With(failing, failure.Code);

    /// <summary>Adds the failed attempt of a record; no effect for a failure without an attempt.</summary>
    public static PastFailures? With(InstanceRecord failing, FailureCode code)
    {
        if (failing.Intent is not { } intent)
        {
            return failing.PastFailures;
        }

        var attempt = new FailedAttempt(
            code,
            intent.Offer.Route,
            intent.Offer.GpuCount,
            failing.Run,
            failing.Spec.ContextTokens,
            failing.Spec.ParallelSequences
        );
        var all = (failing.PastFailures ?? None).Attempts.Add(attempt);
        return new PastFailures(all.Length > Kept ? all.RemoveAt(0) : all);
    }

    /// <summary>
    /// The failures that still count after a change of the spec. With another model, format or runtime the need of memory is another, so
    /// failures for lack of memory are dropped.
    /// </summary>
    public static PastFailures? After(PastFailures? past, LaunchSpec from, LaunchSpec to) =>
        from.Model == to.Model
        && from.WeightFormat == to.WeightFormat
        && from.KvFormat == to.KvFormat
        && from.Runtime == to.Runtime
        && from.SequencesAtOnce == to.SequencesAtOnce
        && from.RuntimeArguments.SequenceEqual(to.RuntimeArguments)
            ? past
            : Only(past, attempt => attempt.Code != FailureCode.OomKilled);

    /// <summary>
    /// The failures that still count after a run that a caller stopped. Its memory was enough. So earlier failures for lack of memory
    /// are dropped if they had the same GPUs and needed no more.
    /// </summary>
    public static PastFailures? AfterGoodRun(InstanceRecord stopped) =>
        stopped is { State: InstanceState.Running, Intent: { } intent }
            ? Only(
                stopped.PastFailures,
                attempt =>
                    attempt.Code != FailureCode.OomKilled
                    || attempt.Route.GpuType != intent.Offer.GpuType
                    || attempt.GpuCount != intent.Offer.GpuCount
                    || attempt.ContextTokens > stopped.Spec.ContextTokens
                    || attempt.ParallelSequences > stopped.Spec.ParallelSequences
            )
            : stopped.PastFailures;

    /// <summary>The attempts that ended out of memory, on GPUs that the catalogue knows.</summary>
    public IEnumerable<OutOfMemoryRun> OutOfMemory()
    {
        foreach (var attempt in Attempts.Where(attempt => attempt.Code == FailureCode.OomKilled))
        {
            if (GpuCatalogue.Shipped.Find(attempt.Route.GpuType) is { } gpu)
            {
                yield return new OutOfMemoryRun(
                    gpu,
                    attempt.GpuCount,
                    attempt.ContextTokens,
                    attempt.ParallelSequences
                );
            }
        }
    }

    /// <summary>Whether the last two attempts, or more, failed with the same code at the same provider.</summary>
    [JsonIgnore]
    public bool IsRepeatedAtProvider => ConsecutiveFailures(attempt => attempt.Route.Provider) > 1;

    /// <summary>Whether the last two attempts, or more, failed with the same code on the same route.</summary>
    [JsonIgnore]
    public bool IsRepeatedOnRoute => ConsecutiveFailures(attempt => attempt.Route) > 1;

    /// <summary>Whether more than one attempt ended out of memory.</summary>
    [JsonIgnore]
    public bool IsMemoryRepeated => Attempts.Count(attempt => attempt.Code == FailureCode.OomKilled) > 1;

    /// <summary>
    /// Number of the last attempts that failed with the same code at the same place, without a run between them that did not fail.
    /// </summary>
    private int ConsecutiveFailures<T>(Func<FailedAttempt, T> place)
    {
        var count = 0;
        for (var i = Attempts.Length - 1; i >= 0; i--)
        {
            var (attempt, last) = (Attempts[i], Attempts[^1]);
            if (
                attempt.Code != last.Code
                || !EqualityComparer<T>.Default.Equals(place(attempt), place(last))
                || (i < Attempts.Length - 1 && Attempts[i + 1].Run > attempt.Run + 1)
            )
            {
                break;
            }

            count++;
        }

        return count;
    }

    private static PastFailures? Only(PastFailures? past, Func<FailedAttempt, bool> isKept)
    {
        var kept = past?.Attempts.Where(isKept).ToImmutableArray() ?? [];
        return kept.IsEmpty ? null : new PastFailures(kept);
    }
}

/// <summary>An attempt that failed, and what it ran on.</summary>
/// <param name="Run">Number of the run that the attempt belonged to.</param>
/// <param name="ContextTokens">Context of the spec at that time, tokens.</param>
[GenerateSerializer, Immutable, Alias("scheduler.FailedAttempt")]
public sealed record FailedAttempt(
    [property: Id(0), JsonConverter(typeof(FailureCodeConverter))] FailureCode Code,
    [property: Id(1)] Route Route,
    [property: Id(2)] int GpuCount,
    [property: Id(3)] int Run,
    [property: Id(4)] long ContextTokens,
    [property: Id(5)] int ParallelSequences
);
