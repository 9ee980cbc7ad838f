using System.Threading.RateLimiting;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Keys;
using Scheduler.Grains.Keys;

namespace Scheduler.Edge.Limits;

/// <summary>
/// The limits of one endpoint (API, gateway or dashboard) in this process. The order of the checks: requests without a
/// valid key from the address, rate of the key, requests in progress of the key, requests in progress of the process.
/// The limits of a key come before the queue of the process, so that a flood from one key does not delay other callers.
/// </summary>
internal sealed class RequestLimits : IDisposable
{
    // About twice the usual duration of a request, so that most retries are admitted.
    private const int FullRetrySeconds = 1;

    private readonly LimitSettings _settings;
    private readonly TimeProvider _clock;
    private readonly MemoryBudget _memory;
    private readonly AddressLimits _addresses;
    private readonly KeyLimits _keys;
    private readonly ConcurrencyLimiter _requests;
    private readonly ConcurrencyLimiter _streams;

    public RequestLimits(LimitSettings settings, MemoryBudget memory, TimeProvider clock)
    {
        _memory = memory;
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

    public (int Addresses, int Keys) Counted => (_addresses.Count, _keys.Count);

    /// <summary>
    /// Refuses an address that sent too many requests without a valid key, except for a key that was recently valid in
    /// this process. This runs before the key is verified. Known callers that share the address with an attacker are
    /// not affected; only new ones must wait.
    /// </summary>
    /// <exception cref="ApiException">The address must wait.</exception>
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
            throw new ApiException(ApiError.Of(FailureCatalogue.Describe(facts)) with { RetryAfter = wait });
        }
    }

    public void Charge(AddressPrefix address) => _addresses.Charge(address);

    /// <summary>Counts one request against the rate of its key.</summary>
    /// <exception cref="ApiException">The rate is used up.</exception>
    public void CountAgainstRate(RequestScope scope, Caller caller, string authorization)
    {
        var refusal = _keys.Take(caller, authorization, out var left);
        scope.Rate = left;
        if (refusal is not null)
        {
            throw new ApiException(refusal);
        }
    }

    /// <summary>Admits a request, immediately or after a short wait in the queue.</summary>
    /// <param name="caller">Null if no key is needed.</param>
    /// <returns>Dispose it when the request ends.</returns>
    /// <exception cref="ApiException">A limit is reached.</exception>
    public async ValueTask<RequestLease> EnterAsync(
        Caller? caller,
        RequestLoad load,
        CancellationToken cancellationToken
    )
    {
        var key = default(KeyLimits.KeyPartition);
        if (caller is not null && _keys.Enter(caller, load.IsStream, load.Weight, out key) is { } refusal)
        {
            throw new ApiException(refusal);
        }

        var admitted = new RequestLease(key, load, new MemoryShare(_memory, caller?.KeyId, key));
        try
        {
            admitted.Lease = load.IsStream
                ? _streams.AttemptAcquire()
                : await TurnAsync(Math.Min(load.Weight, _settings.Requests), cancellationToken);
            return admitted.Lease.IsAcquired ? admitted : throw new ApiException(Full(load));
        }
        catch
        {
            admitted.Dispose();
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

    private ApiError Full(RequestLoad load) =>
        ApiError.Of(
            FailureCatalogue.Describe(
                new OverloadFacts(
                    load.IsStream ? "streams" : "requests",
                    load.IsStream ? _settings.Streams : _settings.Requests,
                    FullRetrySeconds
                )
            )
        );
}

/// <summary>An admitted request; disposing it frees its part of the limits.</summary>
internal sealed class RequestLease(KeyLimits.KeyPartition? key, RequestLoad load, MemoryShare memory) : IDisposable
{
    /// <summary>What the request holds of the budget of the process.</summary>
    public MemoryShare Memory => memory;

    public RateLimitLease? Lease { get; set; }

    public void Dispose()
    {
        memory.Dispose();
        Lease?.Dispose();
        if (key is not null)
        {
            KeyLimits.Leave(key, load.IsStream, load.Weight);
        }
    }
}

/// <param name="MaxBytes">The longest body its method accepts.</param>
internal readonly record struct RequestLoad(bool IsStream, int MaxBytes)
{
    private const int BytesOfOne = 1024 * 1024;

    /// <summary>Number of limit units: one for a stream, otherwise one per MiB of body.</summary>
    public int Weight => IsStream ? 1 : Math.Max(1, MaxBytes / BytesOfOne);
}
