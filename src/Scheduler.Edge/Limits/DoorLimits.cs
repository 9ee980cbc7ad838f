using System.Threading.RateLimiting;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Keys;
using Scheduler.Grains.Keys;

namespace Scheduler.Edge.Limits;

/// <summary>
/// The limits of this process's door. A request is asked, in this order: does its address guess keys; is its key's rate used up; has its
/// key too many under way; has the door. What is a key's own fault is answered first, so that a flood waits in nobody's way.
/// </summary>
internal sealed class DoorLimits : IDisposable
{
    // Twice what a request mostly takes, so that most of those who come back find room.
    private const int FullRetrySeconds = 1;

    private readonly LimitSettings _settings;
    private readonly TimeProvider _clock;
    private readonly AddressLimits _addresses;
    private readonly KeyLimits _keys;
    private readonly ConcurrencyLimiter _requests;
    private readonly ConcurrencyLimiter _streams;

    /// <summary>One per door.</summary>
    public DoorLimits(LimitSettings settings, TimeProvider clock)
    {
        _settings = settings;
        _clock = clock;
        _addresses = new AddressLimits(settings.Unknown, clock);
        _keys = new KeyLimits(settings, clock);
        _requests = new ConcurrencyLimiter(
            new ConcurrencyLimiterOptions
            {
                PermitLimit = _settings.Requests,
                QueueLimit = _settings.Queued,
                QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
            }
        );
        _streams = new ConcurrencyLimiter(new ConcurrencyLimiterOptions { PermitLimit = _settings.Streams });
    }

    /// <summary>How many addresses and keys are counted now.</summary>
    public (int Addresses, int Keys) Counted => (_addresses.Count, _keys.Count);

    /// <summary>
    /// Before a key is looked at: an address that has sent too much without a good one is heard no further, except with a key that was good
    /// here lately. So whoever shares the address of a guesser works on; only who is new there must wait.
    /// </summary>
    /// <exception cref="DoorException">It must wait.</exception>
    public void ThrowIfSpent(AddressPrefix address, string authorization)
    {
        var wait = _addresses.Wait(address);
        if (wait > TimeSpan.Zero && !_keys.WasGood(authorization))
        {
            var facts = new UnknownCallerFacts(
                address.ToString(),
                _settings.Unknown.PerSecond,
                (int)Math.Ceiling(wait.TotalSeconds)
            );
            throw new DoorException(DoorError.Of(FailureCatalogue.Describe(facts)) with { RetryAfter = wait });
        }
    }

    /// <summary>Notes a request that showed no good key.</summary>
    public void Charge(AddressPrefix address) => _addresses.Charge(address);

    /// <summary>Takes one request from a key's rate.</summary>
    /// <exception cref="DoorException">There is none left.</exception>
    public void CountAgainstRate(RequestScope scope, Caller caller, string authorization)
    {
        var refusal = _keys.Take(caller, authorization, out var left);
        scope.Rate = left;
        if (refusal is not null)
        {
            throw new DoorException(refusal);
        }
    }

    /// <summary>Lets a request in, at once or after a short wait for its turn.</summary>
    /// <param name="caller">Who; null where no key is needed.</param>
    /// <param name="load">What it asks.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>To be disposed of when the request has ended.</returns>
    /// <exception cref="DoorException">There is no room.</exception>
    public async ValueTask<Passage> EnterAsync(Caller? caller, Load load, CancellationToken cancellationToken)
    {
        var key = default(KeyLimits.KeyPartition);
        if (caller is not null && _keys.Enter(caller, load.IsStream, load.Weight, out key) is { } refusal)
        {
            throw new DoorException(refusal);
        }

        var passage = new Passage(key, load);
        try
        {
            passage.Lease = load.IsStream
                ? _streams.AttemptAcquire()
                : await TurnAsync(Math.Min(load.Weight, _settings.Requests), cancellationToken);
            return passage.Lease.IsAcquired ? passage : throw new DoorException(Full(load));
        }
        catch
        {
            passage.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        _requests.Dispose();
        _streams.Dispose();
    }

    private async ValueTask<RateLimitLease> TurnAsync(int weight, CancellationToken cancellationToken)
    {
        var lease = _requests.AttemptAcquire(weight);
        if (lease.IsAcquired)
        {
            return lease;
        }

        using var patience = new CancellationTokenSource(_settings.QueueWait, _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        try
        {
            return await _requests.AcquireAsync(weight, either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return lease;
        }
    }

    private DoorError Full(Load load) =>
        DoorError.Of(
            FailureCatalogue.Describe(
                new FullDoorFacts(
                    load.IsStream ? "streams" : "requests",
                    load.IsStream ? _settings.Streams : _settings.Requests,
                    FullRetrySeconds
                )
            )
        );
}

/// <summary>A request that was let in.</summary>
internal sealed class Passage(KeyLimits.KeyPartition? key, Load load) : IDisposable
{
    /// <summary>Its place among all requests of the process.</summary>
    public RateLimitLease? Lease { get; set; }

    public void Dispose()
    {
        Lease?.Dispose();
        if (key is not null)
        {
            KeyLimits.Leave(key, load.IsStream, load.Weight);
        }
    }
}

/// <summary>What a request asks of a door.</summary>
/// <param name="IsStream">Whether it stays open.</param>
/// <param name="MaxBytes">The longest body its method takes.</param>
internal readonly record struct Load(bool IsStream, int MaxBytes)
{
    private const int BytesOfOne = 1024 * 1024;

    /// <summary>As how many it counts: one stream, or one request for each MiB.</summary>
    public int Weight => IsStream ? 1 : Math.Max(1, MaxBytes / BytesOfOne);
}
