using System.Globalization;
using System.Text.Json.Serialization;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Providers;

namespace Scheduler.Providers.Simulated;

/// <summary>
/// One allocation as the simulated cloud remembers it. Its whole future is written down when it is asked for, so what it is at any
/// moment follows from the clock alone: no timer has to fire, and a scheduler that died in between missed nothing.
/// </summary>
internal sealed record SimulatedRecord
{
    public required string Key { get; init; }
    public required string Provider { get; init; }
    public string OfferId { get; init; } = "";
    public string Cluster { get; init; } = "";
    public string Instance { get; init; } = "";
    public DateTimeOffset AskedAt { get; init; }

    /// <summary>When capacity becomes ours; null for a request that is never answered.</summary>
    public DateTimeOffset? ArrivesAt { get; init; }

    /// <summary>When the call that asked for it returns.</summary>
    public DateTimeOffset? AnswersAt { get; init; }

    /// <summary>When the runtime is healthy; null when it never will be.</summary>
    public DateTimeOffset? ReadyAt { get; init; }
    public DateTimeOffset? UnhealthyAt { get; init; }
    public DateTimeOffset? EndsAt { get; init; }
    public SimulatedEnd End { get; init; }
    public TimeSpan ReleaseTime { get; init; }

    /// <summary>From when on nothing is held. The record stays as a tombstone: its key is never served again.</summary>
    public DateTimeOffset? GoneAt { get; init; }
    public bool AnswerTwice { get; init; }
    public string ServingName { get; init; } = "";
    public long ContextTokens { get; init; }

    /// <summary>What the stand-in runtime is to answer, where the launch says (<c>--simulated-reply=…</c>).</summary>
    public string? Reply { get; init; }

    /// <summary>The word that the stand-in runtime says yes to where it is asked for JSON (<c>--simulated-yes=…</c>).</summary>
    public string? YesWord { get; init; }

    internal bool IsGone(DateTimeOffset now) => GoneAt <= now;

    /// <summary>Whether the provider's list shows it.</summary>
    internal bool IsHeld(DateTimeOffset now) => ArrivesAt <= now && !IsGone(now);

    /// <summary>Whether it takes one of the offer's capacity: also while it is on its way.</summary>
    [JsonIgnore]
    internal bool TakesCapacity => ArrivesAt is not null && GoneAt is null;

    internal AllocationStatus StatusAt(DateTimeOffset now)
    {
        if (EndsAt <= now)
        {
            return End == SimulatedEnd.Preempted ? AllocationStatus.Preempted : AllocationStatus.Exited;
        }

        if (UnhealthyAt <= now)
        {
            return AllocationStatus.Unhealthy;
        }

        return ReadyAt <= now ? AllocationStatus.Ready : AllocationStatus.Booting;
    }

    /// <summary>The next moment at which it changes by itself; null when it will not.</summary>
    internal DateTimeOffset? NextChange(DateTimeOffset now)
    {
        DateTimeOffset? next = null;
        foreach (var moment in (ReadOnlySpan<DateTimeOffset?>)[ArrivesAt, ReadyAt, UnhealthyAt, EndsAt, GoneAt])
        {
            if (moment > now && (next is null || moment < next))
            {
                next = moment;
            }
        }

        return next;
    }

    /// <summary>As the port shows it.</summary>
    internal Allocation ToAllocation(DateTimeOffset now, Uri runtimeBase)
    {
        var status = StatusAt(now);
        return new Allocation
        {
            Key = new AllocationKey(Key),
            Tag = new AllocationTag(Cluster, new InstanceId(Instance)),
            ProviderAllocationId = SimulatedMapping.AllocationId(Provider, Key),
            Status = status,
            CreatedAt = ArrivesAt ?? AskedAt,
            Endpoint = status is AllocationStatus.Ready or AllocationStatus.Unhealthy
                ? SimulatedMapping.Endpoint(runtimeBase, Key)
                : null,
            Tokenizer = SimulatedMapping.Tokenizer,
            Exit = status == AllocationStatus.Exited ? SimulatedFailures.ExitOf(End, ReadyAt <= EndsAt) : null,
        };
    }

    /// <summary>What a runtime would have printed by now.</summary>
    internal string OutputAt(DateTimeOffset now) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"simulated: loading, {ContextTokens} tokens of context\n{(ReadyAt <= now ? $"simulated: serving {ServingName}\n" : "")}"
        ) + (EndsAt <= now ? SimulatedFailures.ExitOf(End, ReadyAt <= EndsAt)?.OutputTail : "");

    /// <summary>What is to become of a request, by the behaviour that hits it.</summary>
    internal static SimulatedRecord Planned(AllocationRequest request, SimulatedBehaviour behaviour, DateTimeOffset now)
    {
        var arrives = behaviour.NeverAnswer ? (DateTimeOffset?)null : now + behaviour.AllocateLatency;
        var booted = arrives + behaviour.BootTime;
        var diesAtLoad = behaviour.EndAtLoad != SimulatedEnd.None;
        var (endsAfter, end) = FirstEnd(behaviour);
        return new SimulatedRecord
        {
            Key = request.Key.Value,
            Provider = request.Offer.Provider.Value,
            OfferId = request.Offer.OfferId,
            Cluster = request.Tag.Cluster,
            Instance = request.Tag.Instance.Value,
            AskedAt = now,
            ArrivesAt = arrives,
            AnswersAt = arrives + behaviour.AnswerLate,
            ReadyAt = diesAtLoad ? null : booted,
            UnhealthyAt = diesAtLoad ? null : booted + behaviour.UnhealthyAfter,
            EndsAt = diesAtLoad ? booted : booted + endsAfter,
            End = diesAtLoad ? behaviour.EndAtLoad : end,
            ReleaseTime = behaviour.ReleaseTime,
            AnswerTwice = behaviour.AnswerTwice,
            ServingName = request.Runtime.ServingName,
            ContextTokens = request.Runtime.ContextTokens,
            Reply = SimulatedMapping.ReplyIn(request.Runtime),
            YesWord = SimulatedMapping.YesWordIn(request.Runtime),
        };
    }

    private static (TimeSpan? After, SimulatedEnd End) FirstEnd(SimulatedBehaviour behaviour)
    {
        (TimeSpan? After, SimulatedEnd End) first = (null, SimulatedEnd.None);
        foreach (
            var (after, end) in (ReadOnlySpan<(TimeSpan?, SimulatedEnd)>)
                [
                    (behaviour.OomAfter, SimulatedEnd.OutOfMemory),
                    (behaviour.ExitAfter, SimulatedEnd.Exit),
                    (behaviour.SpotReclaimAfter, SimulatedEnd.Preempted),
                ]
        )
        {
            if (after is not null && (first.After is null || after < first.After))
            {
                first = (after, end);
            }
        }

        return first;
    }
}

/// <summary>Source-generated JSON of the journal.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault)]
[JsonSerializable(typeof(SimulatedRecord))]
internal sealed partial class SimulatedJson : JsonSerializerContext;
