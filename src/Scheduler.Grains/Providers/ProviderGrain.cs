using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Scheduler.Domain.Events;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Providers;
using Scheduler.Grains.Instances;
using Scheduler.Grains.Telemetry;

namespace Scheduler.Grains.Providers;

/// <summary>
/// One provider: lists its offers, watches its allocations, keeps its health and runs the sweep. Slow provider calls
/// run outside the grain's turns. Only the drain switch and the cooling routes are stored; the health window starts
/// empty after a restart.
/// </summary>
[GrainType("provider")]
internal sealed partial class ProviderGrain(
    [PersistentState("provider", GrainStorageNames.Database)] IPersistentState<ProviderRecord> state,
    ProviderDirectory directory,
    OfferCatalogue catalogue,
    AllocationSweep sweep,
    CapacityWaiters waiters,
    IOptions<SchedulerOptions> options,
    SchedulerMetrics metrics,
    TimeProvider clock,
    ILogger<ProviderGrain> logger
) : Grain, IProviderGrain, IProviderMaintenance, IDisposable
{
    private const string KeyPrefix = "provider-";

    /// <summary>Longest delay of a changed success ratio; failed attempts publish at once.</summary>
    private static readonly TimeSpan PublishAfter = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Time after which a listing counts as failed and may start again, so that a call that never returns does not
    /// block listings for ever.
    /// </summary>
    private static readonly TimeSpan LongestListing = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LongestSweep = TimeSpan.FromMinutes(10);

    private readonly Recorded<ProviderRecord> _record = new(state);
    private readonly CancellationTokenSource _work = new();
    private readonly HealthWindow _health = new(
        options.Value.Providers.HealthWindow,
        options.Value.Providers.BreakerFailures,
        options.Value.Providers.BreakerOpenFor
    );
    private OfferListing? _listing;
    private ProviderSnapshot? _snapshot;
    private long _offersNumber;
    private DateTimeOffset? _listedAt;
    private string? _listingError;
    private DateTimeOffset _listDue;
    private long _offersVersion;
    private DateTimeOffset _sweepDue;
    private DateTimeOffset _publishedAt;
    private Task? _runningListing;
    private Task? _runningSweep;
    private Task? _watch;

    private ProviderId Self => new(this.GetPrimaryKeyString()[KeyPrefix.Length..]);

    private ProviderCareOptions Care => options.Value.Providers;

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        CallOffAll();
        return Task.CompletedTask;
    }

    public void Dispose() => _work.Dispose();

    public Task<Answer<ProviderView>> GetAsync(AccountId? account) =>
        Task.FromResult(directory.IsOpenTo(Self, account) ? View() : Refusal.NotFound($"Provider {Self}"));

    public async Task<Answer<ProviderView>> DrainAsync(string reason, CommandContext context)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(reason.Length, DrainOrder.LongestReason, nameof(reason));
        return await SetAsync(
            new DrainOrder(clock.Now(), context.Actor, reason, context.RequestId),
            "Drain",
            reason.Length > 0 ? $"taken out of placement: {reason}" : "taken out of placement",
            context
        );
    }

    public Task<Answer<ProviderView>> UndrainAsync(CommandContext context) =>
        SetAsync(null, "Undrain", "taken back into placement", context);

    public async Task ReportOutcomeAsync(AllocationReport report)
    {
        var now = clock.Now();
        metrics.AllocationEnded(Self, NameOf(report.End), report.Took);
        _health.Record(now, report.Route, report.End == AllocationEnd.Allocated, report.Took);
        if (report.End == AllocationEnd.Allocated)
        {
            return;
        }

        var until = now + options.Value.Launch.RouteCooldown;
        await WriteAsync(
            _record.Value with
            {
                Cooling =
                [
                    .. _record.Value.Cooling.Where(c => c.Route != report.Route && c.Until > now),
                    new CoolingRoute(report.Route, until),
                ],
            },
            report.End == AllocationEnd.TimedOut ? "RouteTimedOut" : "RouteRejected",
            $"{report.Route} ranks last until {until:u}",
            report.RequestId,
            "scheduler"
        );
        Publish(null);
    }

    public async Task<Answer<ProviderView>> RefreshAsync()
    {
        if (directory.Find(Self) is not { } provider)
        {
            return Refusal.NotFound($"Provider {Self}");
        }

        await ListAsync(provider);
        return View();
    }

    public Task MaintainAsync()
    {
        if (directory.Find(Self) is not { } provider)
        {
            return Task.CompletedTask;
        }

        var now = clock.Now();
        var version = provider.OffersVersion;
        if ((now >= _listDue || version != _offersVersion) && _runningListing is null or { IsCompleted: true })
        {
            (_listDue, _offersVersion) = (now + Care.RefreshEvery, version);
            _runningListing = ListAsync(provider);
        }

        if (now >= _sweepDue && _runningSweep is null or { IsCompleted: true })
        {
            _sweepDue = now + Care.SweepEvery;
            _runningSweep = SweepAsync(provider);
        }

        if (_watch is null or { IsCompleted: true })
        {
            _watch = WatchAsync(provider);
        }

        if (now - _publishedAt >= PublishAfter && _listedAt is not null)
        {
            Publish(null);
        }

        WakeWaitingIfDue();

        return Task.CompletedTask;
    }

    // Runs within the turn, not on a pool thread beside it.
    private void CallOffAll() => _work.Cancel();

    private async Task ListAsync(IProvider provider)
    {
        try
        {
            var listing = await provider.ListOffersAsync(_work.Token).WaitAsync(LongestListing, clock, _work.Token);
            var before = _listing?.Offers ?? [];
            (_listing, _listedAt, _listingError) = (listing, clock.Now(), null);
            Publish(listing.Offers, before);
        }
        catch (Exception exception) when (!_work.IsCancellationRequested)
        {
            // The offers of the last listing stay; operators see their age.
            _listingError = exception.Message;
            LogListingFailed(exception, Self);
            Publish(null);
        }
    }

    private async Task SweepAsync(IProvider provider)
    {
        try
        {
            await sweep.RunAsync(provider, GrainFactory, _work.Token).WaitAsync(LongestSweep, clock, _work.Token);
            metrics.Swept(Self, succeeded: true);
        }
        catch (Exception exception) when (!_work.IsCancellationRequested)
        {
            metrics.Swept(Self, succeeded: false);
            LogSweepFailed(exception, Self);
        }
    }

    private async Task WatchAsync(IProvider provider)
    {
        try
        {
            await foreach (var seen in provider.WatchAsync(options.Value.ClusterId, _work.Token))
            {
                GrainFactory.GetGrain<IInstanceInbox>(seen.Tag.Instance.Value).ObservedAsync(seen).Ignore();
            }
        }
        catch (Exception exception) when (!_work.IsCancellationRequested)
        {
            // The next call of MaintainAsync restarts the watch; the sweep finds what was missed.
            LogWatchFailed(exception, Self);
        }
    }

    public Task<ProviderSnapshot?> GetSnapshotAsync(SnapshotVersion known)
    {
        if (_snapshot is null)
        {
            return Task.FromResult<ProviderSnapshot?>(null);
        }

        var lacksOffers = known.Activation != _snapshot.Version.Activation || known.Number < _offersNumber;
        return Task.FromResult<ProviderSnapshot?>(_snapshot with { Offers = lacksOffers ? _listing?.Offers : null });
    }

    /// <param name="offers">A new listing; null when only the status may have changed.</param>
    /// <param name="before">With a new listing, the one before.</param>
    private void Publish(ImmutableArray<Offer>? offers, ImmutableArray<Offer> before = default)
    {
        if (offers is null && _listedAt is null && _listingError is null)
        {
            // The catalogue opens when every provider has listed or failed to; an earlier publication must not open
            // it without offers.
            return;
        }

        var now = clock.Now();
        _publishedAt = now;
        var version = new SnapshotVersion(GrainContext.ActivationId.ToString(), (_snapshot?.Version.Number ?? 0) + 1);
        _offersNumber = offers is null ? _offersNumber : version.Number;
        var (attempts, successes, median) = _health.Sum(now);
        var status = new ProviderStatus(
            _record.Value.Draining,
            _health.Breaker(now) == BreakerState.Open,
            [.. _record.Value.Cooling.Where(c => c.Until > now).Select(c => c.Route)],
            _health
                .SumByRoute(now)
                .ToImmutableDictionary(r => r.Route, r => TrackOf(r.Attempts, r.Successes, r.MedianTook)),
            attempts == 0 ? null : TrackOf(attempts, successes, median)
        );
        NoteGains(offers is null ? _listing?.Offers ?? [] : before, offers, _snapshot?.Status, status);
        _snapshot = new ProviderSnapshot(version, null, status);
        catalogue.Publish(Self, _snapshot with { Offers = offers });
    }

    private static string NameOf(AllocationEnd end) =>
        end switch
        {
            AllocationEnd.Allocated => "allocated",
            AllocationEnd.TimedOut => "timed_out",
            AllocationEnd.Rejected => "rejected",
            _ => throw new System.Diagnostics.UnreachableException(),
        };

    // Laplace's rule of succession adds one success and one failure: a route tried once is not yet certain.
    private static AllocationTrack TrackOf(int attempts, int successes, TimeSpan? median) =>
        new((successes + 1.0) / (attempts + 2.0), median ?? TimeSpan.MaxValue);

    private Answer<ProviderView> View()
    {
        if (directory.Find(Self) is not { } provider)
        {
            return Refusal.NotFound($"Provider {Self}");
        }

        var now = clock.Now();
        var (attempts, successes, median) = _health.Sum(now);
        return new ProviderView
        {
            Id = Self,
            Draining = _record.Value.Draining,
            Breaker = _health.Breaker(now),
            BreakerOpenUntil = _health.OpenUntil,
            Attempts = attempts,
            Successes = successes,
            MedianTimeToAllocate = median,
            CoolingRoutes = [.. _record.Value.Cooling.Where(c => c.Until > now)],
            Offers = _listing?.Offers.Length ?? 0,
            Skipped = _listing?.Skipped ?? ImmutableSortedDictionary<string, int>.Empty,
            ListedAt = _listedAt,
            ListingError = _listingError,
            Drain = _record.Value.Drain,
            OnlyFor = [.. provider.OnlyFor.OrderBy(account => account.Value, StringComparer.Ordinal)],
        };
    }

    private async Task<Answer<ProviderView>> SetAsync(
        DrainOrder? order,
        string trigger,
        string reason,
        CommandContext context
    )
    {
        if (directory.Find(Self) is null)
        {
            return Refusal.NotFound($"Provider {Self}");
        }

        if (_record.Value.Draining != (order is not null))
        {
            await WriteAsync(
                _record.Value with
                {
                    Draining = order is not null,
                    Drain = order,
                },
                trigger,
                reason,
                context.RequestId,
                context.Actor
            );
            Publish(null);
        }

        return View();
    }

    private async Task WriteAsync(ProviderRecord next, string trigger, string reason, RequestId requestId, string actor)
    {
        var sequence = _record.Value.LastSequence + 1;
        var recorded = next with
        {
            SchemaVersion = ProviderRecord.CurrentSchemaVersion,
            Id = Self,
            LastSequence = sequence,
            Events =
            [
                new StoredEvent
                {
                    Sequence = sequence,
                    At = clock.Now(),
                    Trigger = trigger,
                    Reason = reason,
                    RequestId = requestId,
                    Actor = actor,
                },
            ],
        };
        await _record.WriteAsync(recorded, this);
    }
}
