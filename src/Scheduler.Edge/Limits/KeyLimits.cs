using Scheduler.Domain.Failures;
using Scheduler.Domain.Keys;
using Scheduler.Grains.Keys;

namespace Scheduler.Edge.Limits;

/// <summary>What one key may send. No key's flood takes anything from another.</summary>
internal sealed class KeyLimits(LimitSettings settings, TimeProvider clock)
{
    /// <summary>How long after its last request a key is still known to have been good.</summary>
    public static readonly TimeSpan RememberedFor = TimeSpan.FromMinutes(10);

    /// <summary>Most keys that are counted apart, as many as the doors know.</summary>
    public const int Capacity = 100_000;

    // When a request or a stream will end is not known; a request mostly does within a second.
    private const int RequestRetrySeconds = 1;
    private const int StreamRetrySeconds = 5;

    private readonly Partitions<string, KeyPartition> _keys = new(Capacity, clock);

    /// <summary>How many keys are counted now.</summary>
    public int Count => _keys.Count;

    /// <summary>Takes one request from a key's rate.</summary>
    /// <param name="caller">Whose key, found to be good.</param>
    /// <param name="authorization">The header that showed it, to know it again.</param>
    /// <param name="left">What is left; null for a key without a limit.</param>
    /// <returns>Why it may not be sent now; null when it may.</returns>
    public DoorError? Take(Caller caller, string authorization, out RateLeft? left)
    {
        var rate = LimitsOf(caller).Rate;
        var (isTaken, seen) = _keys.With(
            caller.KeyId,
            (rate, authorization, Keys: _keys, Clock: clock),
            static (key, at) =>
            {
                var now = at.Clock.GetTimestamp();
                key.LastSeen = now;
                key.Frequency = at.Clock.TimestampFrequency;
                key.Fingerprint ??= at.Keys.IsShared(key) ? null : FingerprintOf(at.authorization);
                if (!at.rate.IsLimited)
                {
                    return (true, default(RateLeft?));
                }

                var isTaken = key.Bucket.TryTake(at.rate, now, key.Frequency);
                return (isTaken, (RateLeft?)key.Bucket.Look(at.rate, now, key.Frequency));
            }
        );
        left = seen;
        if (isTaken)
        {
            return null;
        }

        var wait = left!.Value.Next;
        var facts = new RequestRateFacts(
            caller.KeyId,
            rate.PerSecond,
            rate.Burst,
            (int)Math.Ceiling(wait.TotalSeconds)
        );
        return DoorError.Of(FailureCatalogue.Describe(facts)) with { RetryAfter = wait };
    }

    /// <summary>Whether a header shows a key that was good at this door a short while ago. It may have been revoked since.</summary>
    public bool WasGood(string authorization)
    {
        if (TokenOf(authorization) is not { } token || _keys.Find(token.KeyId) is not { } key)
        {
            return false;
        }

        lock (key.Gate)
        {
            return string.Equals(key.Fingerprint, KeyAuthority.Fingerprint(token), StringComparison.Ordinal);
        }
    }

    /// <summary>Counts a request or stream as under way.</summary>
    /// <param name="caller">Whose key.</param>
    /// <param name="isStream">Streams are counted apart.</param>
    /// <param name="weight">As how many requests it counts.</param>
    /// <param name="key">What <see cref="Leave"/> takes when it has ended.</param>
    /// <returns>Why there may not be another; null when there may.</returns>
    public DoorError? Enter(Caller caller, bool isStream, int weight, out KeyPartition? key)
    {
        var limits = LimitsOf(caller);
        key = _keys.With(
            caller.KeyId,
            (limits, isStream, weight),
            static (key, wish) => key.TryEnter(wish.limits, wish.isStream, wish.weight) ? key : null
        );
        return key is not null ? null
            : isStream ? Refusal(new StreamLimitFacts(caller.KeyId, limits.Streams, StreamRetrySeconds))
            : Refusal(new ParallelRequestFacts(caller.KeyId, limits.Requests, RequestRetrySeconds));
    }

    /// <summary>Counts it as ended.</summary>
    public static void Leave(KeyPartition key, bool isStream, int weight)
    {
        lock (key.Gate)
        {
            (isStream ? ref key.Streams : ref key.Requests) -= weight;
        }
    }

    private static DoorError Refusal(FailureFacts facts) => DoorError.Of(FailureCatalogue.Describe(facts));

    private Limits LimitsOf(Caller caller) => caller.IsOperator ? settings.Operator : settings.Account;

    private static string? FingerprintOf(string authorization) =>
        TokenOf(authorization) is { } token ? KeyAuthority.Fingerprint(token) : null;

    private static KeyToken? TokenOf(string authorization) =>
        KeyToken.TryParse(
            authorization[(authorization.IndexOf(' ', StringComparison.Ordinal) + 1)..].Trim(),
            out var token
        )
            ? token
            : null;

    /// <summary>What is counted for one key.</summary>
    internal sealed class KeyPartition : Partition
    {
        public TokenBucket Bucket;
        public int Requests;
        public int Streams;
        public long LastSeen;
        public long Frequency = 1;
        public string? Fingerprint;

        public bool TryEnter(Limits limits, bool isStream, int weight)
        {
            ref var open = ref isStream ? ref Streams : ref Requests;
            var limit = isStream ? limits.Streams : limits.Requests;

            // What weighs more than the limit still passes where nothing else is under way.
            if (limit > 0 && open > 0 && open + weight > limit)
            {
                return false;
            }

            open += weight;
            return true;
        }

        public override bool IsIdle(long now) =>
            Requests == 0
            && Streams == 0
            && Bucket.IsFull(now)
            && now - LastSeen >= (long)RememberedFor.TotalSeconds * Frequency;
    }

    /// <summary>The limits of one kind of keys; 0 is none.</summary>
    internal sealed record Limits(Rate Rate, int Requests, int Streams);
}
