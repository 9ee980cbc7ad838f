using System.Globalization;
using System.Net.Http.Headers;

namespace Scheduler.Providers.Http;

/// <summary>
/// Orders and delays the calls to one account of a vendor, so that none is sent before the vendor permits it. Releases go first, then reads,
/// creates, offers and output. It takes the vendor's own limits from the headers of every answer.
/// </summary>
/// <remarks>
/// Each process has its own gate. Several silos with one account divide its limit by a setting
/// (<see cref="RateLimits.Share"/>), and all obey the headers, which tell what is left to the account.
/// </remarks>
internal sealed class RateGate : IDisposable
{
    private const int TooManyRequests = 429;

    /// <summary>Pause after the first refusal without <c>Retry-After</c>; it doubles with each further one.</summary>
    private static readonly TimeSpan FirstBackoff = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan LongestBackoff = TimeSpan.FromMinutes(1);

    /// <summary>A vendor that asks for a longer pause is asked again after this time.</summary>
    private static readonly TimeSpan LongestPause = TimeSpan.FromHours(1);

    /// <summary>Part of a window that only releases, reads and creates may use.</summary>
    private const double Reserve = 0.1;

    private static readonly int Kinds = Enum.GetValues<CallKind>().Length;

    private readonly string _vendor;
    private readonly RateLimits _limits;
    private readonly TimeProvider _clock;
    private readonly Lock _lock = new();
    private readonly LinkedList<Waiter>[] _waiting =
    [
        .. Enumerable.Range(0, Kinds).Select(_ => new LinkedList<Waiter>()),
    ];
    private readonly DateTimeOffset[] _nextOf = new DateTimeOffset[Kinds];
    private readonly ITimer _timer;
    private DateTimeOffset _next;
    private DateTimeOffset _closedUntil;
    private DateTimeOffset _lowUntil;
    private int _refusals;

    internal RateGate(string vendor, RateLimits limits, TimeProvider clock)
    {
        _vendor = vendor;
        _limits = limits;
        _clock = clock;
        _timer = clock.CreateTimer(_ => Pump(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Calls that wait now.</summary>
    internal int Waiting
    {
        get
        {
            lock (_lock)
            {
                return Waiting_NeedsLock;
            }
        }
    }

    /// <summary>Completes when a call of this kind may be sent.</summary>
    /// <exception cref="VendorBusyException">Too many calls wait, or the vendor permits none for long.</exception>
    internal async Task EnterAsync(CallKind kind, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Waiter waiter;
        LinkedListNode<Waiter> place;
        lock (_lock)
        {
            Refuse_NeedsLock(kind);
            waiter = new Waiter();
            place = _waiting[(int)kind].AddLast(waiter);
        }

        Pump();
        await using var gone = cancellationToken.Register(() => Leave(kind, place, cancellationToken));
        await waiter.Entered.Task;
    }

    /// <summary>Takes the limits from an answer.</summary>
    internal void Observe(int status, HttpResponseHeaders headers)
    {
        lock (_lock)
        {
            var now = _clock.GetUtcNow();
            if (status == TooManyRequests)
            {
                _refusals++;
                Close_NeedsLock(now + (RetryAfter(headers, now) ?? Backoff(_refusals)));
            }
            else
            {
                _refusals = 0;
            }

            var policies = Windows(headers, "RateLimit-Policy");
            foreach (var window in Windows(headers, "RateLimit"))
            {
                Observe_NeedsLock(window, policies.FirstOrDefault(policy => policy.Name == window.Name), now);
            }
        }

        Pump();
    }

    public void Dispose() => _timer.Dispose();

    private int Waiting_NeedsLock => _waiting.Sum(line => line.Count);

    private void Refuse_NeedsLock(CallKind kind)
    {
        if (Waiting_NeedsLock >= _limits.MaxWaiting)
        {
            throw new VendorBusyException(
                string.Create(CultureInfo.InvariantCulture, $"{_limits.MaxWaiting} calls to {_vendor} wait already")
            );
        }

        var ready = ReadyAt_NeedsLock(kind);
        if (ready - _clock.GetUtcNow() > _limits.LongestWait)
        {
            throw new VendorBusyException($"{_vendor} permits no such call before {ready.UtcDateTime:u}");
        }
    }

    private void Observe_NeedsLock(RateWindow window, RateWindow? policy, DateTimeOffset now)
    {
        if (window is not { Left: { } left, Resets: { } resets })
        {
            return;
        }

        if (left <= 0)
        {
            Close_NeedsLock(now + resets);
        }
        else if ((policy?.Quota ?? window.Quota) is { } quota && left <= quota * Reserve)
        {
            _lowUntil = Later(_lowUntil, now + resets);
        }
    }

    private void Close_NeedsLock(DateTimeOffset until) =>
        _closedUntil = Later(_closedUntil, Earlier(until, _clock.GetUtcNow() + LongestPause));

    private DateTimeOffset ReadyAt_NeedsLock(CallKind kind)
    {
        var ready = Later(Later(_next, _nextOf[(int)kind]), _closedUntil);
        return kind >= CallKind.Offers ? Later(ready, _lowUntil) : ready;
    }

    private void Pump()
    {
        var entered = new List<Waiter>();
        lock (_lock)
        {
            var now = _clock.GetUtcNow();
            while (First_NeedsLock(now) is { } kind)
            {
                entered.Add(_waiting[(int)kind].First!.Value);
                _waiting[(int)kind].RemoveFirst();
                _next = now + (_limits.Any / _limits.Share);
                _nextOf[(int)kind] = now + _limits.SpacingOf(kind);
            }

            var waits = Enum.GetValues<CallKind>()
                .Where(kind => _waiting[(int)kind].Count > 0)
                .Select(kind => ReadyAt_NeedsLock(kind) - now)
                .ToList();
            _timer.Change(waits.Count == 0 ? Timeout.InfiniteTimeSpan : waits.Min(), Timeout.InfiniteTimeSpan);
        }

        entered.ForEach(waiter => waiter.Entered.TrySetResult());
    }

    private CallKind? First_NeedsLock(DateTimeOffset now)
    {
        foreach (var kind in Enum.GetValues<CallKind>())
        {
            if (_waiting[(int)kind].Count > 0 && ReadyAt_NeedsLock(kind) <= now)
            {
                return kind;
            }
        }

        return null;
    }

    private void Leave(CallKind kind, LinkedListNode<Waiter> place, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (place.List is not null)
            {
                _waiting[(int)kind].Remove(place);
            }
        }

        place.Value.Entered.TrySetCanceled(cancellationToken);
    }

    private static IReadOnlyList<RateWindow> Windows(HttpResponseHeaders headers, string name) =>
        headers.TryGetValues(name, out var values) ? RateWindow.Read(string.Join(',', values)) : [];

    private static TimeSpan? RetryAfter(HttpResponseHeaders headers, DateTimeOffset now) =>
        headers.RetryAfter is not { } after ? null
        : after.Delta is { } delta ? delta
        : after.Date is { } date && date > now ? date - now
        : TimeSpan.Zero;

    private static TimeSpan Backoff(int refusals)
    {
        var doubled = FirstBackoff * Math.Pow(2, Math.Min(refusals - 1, 10));
        return doubled > LongestBackoff ? LongestBackoff : doubled;
    }

    private static DateTimeOffset Later(DateTimeOffset a, DateTimeOffset b) => a > b ? a : b;

    private static DateTimeOffset Earlier(DateTimeOffset a, DateTimeOffset b) => a < b ? a : b;

    private sealed class Waiter
    {
        internal TaskCompletionSource Entered { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
