using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Serialization;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Providers;

namespace Scheduler.Providers.Simulated;

/// <summary>
/// One allocation in the simulated cloud's storage. The request determines all future times, so the state at any time
/// follows from the clock alone. No timer has to fire, and a scheduler that restarts misses nothing.
/// </summary>
internal sealed record SimulatedRecord
{
    public required string Key { get; init; }
    public required string Provider { get; init; }
    public string OfferId { get; init; } = "";
    public string Cluster { get; init; } = "";
    public string Instance { get; init; } = "";
    public DateTimeOffset AskedAt { get; init; }

    /// <summary>Time of the allocation; null for a request that never gets an answer.</summary>
    public DateTimeOffset? ArrivesAt { get; init; }

    /// <summary>Time when the allocate call returns.</summary>
    public DateTimeOffset? AnswersAt { get; init; }

    /// <summary>Time when the runtime becomes healthy; null if it never does.</summary>
    public DateTimeOffset? ReadyAt { get; init; }
    public DateTimeOffset? UnhealthyAt { get; init; }
    public DateTimeOffset? EndsAt { get; init; }
    public SimulatedEnd End { get; init; }
    public TimeSpan ReleaseTime { get; init; }

    /// <summary>End of the allocation. The record stays as a tombstone: its key is never served again.</summary>
    public DateTimeOffset? GoneAt { get; init; }
    public bool AnswerTwice { get; init; }
    public string ServingName { get; init; } = "";
    public long ContextTokens { get; init; }

    /// <summary>SHA-256 of the runtime key, hexadecimal; null for a stand-in runtime that answers everyone.</summary>
    public string? KeyDigest { get; init; }

    /// <summary>Fixed answer of the stand-in runtime (<c>--simulated-reply=TEXT</c>); null if not set.</summary>
    public string? Reply { get; init; }

    /// <summary>
    /// Word for which the stand-in runtime answers true in JSON answers (<c>--simulated-yes=WORD</c>); null if the
    /// launch sets none.
    /// </summary>
    public string? YesWord { get; init; }

    /// <summary>Whether the stand-in runtime answers a caller with this <c>Authorization</c> header.</summary>
    internal bool Admits(string? authorization)
    {
        const string bearer = "Bearer ";
        return KeyDigest is null
            || (
                authorization?.StartsWith(bearer, StringComparison.OrdinalIgnoreCase) == true
                && CryptographicOperations.FixedTimeEquals(
                    Encoding.ASCII.GetBytes(DigestOf(authorization[bearer.Length..])),
                    Encoding.ASCII.GetBytes(KeyDigest)
                )
            );
    }

    internal bool IsGone(DateTimeOffset now) => GoneAt <= now;

    internal bool IsHeld(DateTimeOffset now) => ArrivesAt <= now && !IsGone(now);

    /// <summary>Whether it uses capacity of its offer: from the request until the release request.</summary>
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

    /// <summary>Time of the next change that needs no call; null if there is none.</summary>
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

    /// <summary>Simulated output of the runtime until <paramref name="now"/>.</summary>
    internal string OutputAt(DateTimeOffset now) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"simulated: loading, {ContextTokens} tokens of context\n{(ReadyAt <= now ? $"simulated: serving {ServingName}\n" : "")}"
        ) + (EndsAt <= now ? SimulatedFailures.ExitOf(End, ReadyAt <= EndsAt)?.OutputTail : "");

    /// <summary>Creates the record of a request, with all future times according to the behaviour.</summary>
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
            KeyDigest = request.RuntimeKey is { } runtimeKey ? DigestOf(runtimeKey.Value) : null,
            Reply = SimulatedMapping.ReplyIn(request.Runtime),
            YesWord = SimulatedMapping.YesWordIn(request.Runtime),
        };
    }

    private static string DigestOf(string key) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)));

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

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault)]
[JsonSerializable(typeof(SimulatedRecord))]
internal sealed partial class SimulatedJson : JsonSerializerContext;
