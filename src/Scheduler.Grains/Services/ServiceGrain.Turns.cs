using Microsoft.Extensions.Logging;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Services;
using Scheduler.Grains.Agenda;

namespace Scheduler.Grains.Services;

/// <summary>One change: decide, record, act. And what leads to one without a command: loads, ticks, wake-ups.</summary>
internal sealed partial class ServiceGrain
{
    /// <summary>Interval of ticks while there is load, or while more replicas than the minimum are wanted.</summary>
    private static readonly TimeSpan TickEvery = TimeSpan.FromSeconds(1);

    /// <summary>How long a price that was looked up is used.</summary>
    private static readonly TimeSpan PriceKept = TimeSpan.FromSeconds(30);

    /// <summary>
    /// A replica drains at least this long: gateways learn of it within a second, and report once a second.
    /// </summary>
    private static readonly TimeSpan ShortestDrain = TimeSpan.FromSeconds(3);

    private readonly GatewayLoads _gateways = new();
    private LoadWindow _loads = new(default);
    private IGrainTimer? _ticks;
    private (MicroEuro? Price, int Revision, DateTimeOffset At) _price;
    private bool _hasRecorded;

    public async Task ReportLoadAsync(LoadReport report)
    {
        if (!Current.IsLive)
        {
            DeactivateOnIdle();
            return;
        }

        _gateways.Add(report, clock.Now());
        if (Current.Scaling.Wanted == 0 && report.Outstanding + report.Held > 0)
        {
            // The first request after a calm: it must not wait for a tick.
            await TickAsync();
        }
        else
        {
            SetTicks();
        }
    }

    public async Task<DateTimeOffset?> WakeAsync()
    {
        if (!await IsCurrentAsync())
        {
            return clock.Now();
        }

        await LookAsync();
        await ApplyAsync(null, OwnCause());
        return ServiceDeadlines.NextWake(Current, clock.Now());
    }

    /// <summary>Makes one change and what follows from it; writes only if something differs.</summary>
    private async Task<Answer<ServiceRecord>> ApplyAsync(Action<ServiceEditor>? change, Cause cause)
    {
        var editor = new ServiceEditor(Current, cause);
        change?.Invoke(editor);
        ServiceTurn.Run(editor, await FactsAsync(editor.Next));
        if (editor.HasChanged)
        {
            await RecordAsync(editor.Done());
        }

        Act();
        return Current;
    }

    private async Task RecordAsync(ServiceRecord next)
    {
        try
        {
            await _service.WriteAsync(next, this);
        }
        catch
        {
            GiveUp();
            if (_hasRecorded)
            {
                // A new activation continues at once, and not when the agenda is next due.
                this.AsReference<IWakeable>().WakeAsync().Ignore();
            }

            throw;
        }

        _hasRecorded = true;
        foreach (var happened in next.Events)
        {
            LogEvent(next.Id, happened.Trigger, happened.Reason, happened.RequestId, happened.Actor);
        }

        _changed.Raise();
        if (!next.IsLive)
        {
            // A crash may lose this call, which is harmless: the next claim of the name checks whether its holder
            // still exists.
            GrainFactory.ServingName(next.Account, next.ServingName).ReleaseAsync(Holder).Ignore();
        }
    }

    /// <summary>Starts the work that the record requires, and ticks while they are needed.</summary>
    private void Act()
    {
        _work.Match(Self.Value, Current.RequestId, [.. WorkRequired()]);
        SetTicks();
    }

    private async ValueTask<TurnFacts> FactsAsync(ServiceRecord record)
    {
        var now = clock.Now();
        if (
            record is { IsLive: true, IsDeleting: false, Spec.Budget.MaxPricePerHour: not null }
            && (_price.Revision != record.Revision || now - _price.At >= PriceKept)
        )
        {
            var price = await checks.CheapestAsync(record.Account, record.Spec.Template, GrainFactory);
            _price = (price, record.Revision, now);
        }

        return new TurnFacts(
            _loads,
            _price.Price,
            replica =>
                now - replica.Since >= ShortestDrain
                && _gateways.OutstandingAt(replica.Instance, replica.Since, now) is 0
        );
    }

    private async Task TickAsync()
    {
        _loads.Add(_gateways.Sum(clock.Now()));
        await ApplyAsync(null, OwnCause());
    }

    private void SetTicks()
    {
        var isNeeded =
            Current is { IsLive: true, IsDeleting: false }
            && (
                _gateways.IsReported(clock.Now())
                || _loads.Current.Requests > 0
                || Current.Scaling.Wanted > Current.Spec.MinReplicas
                || Current.Replicas.Any(replica => replica.Phase == ReplicaPhase.Draining)
            );
        if (!isNeeded)
        {
            _ticks?.Dispose();
            _ticks = null;
        }
        else if (_ticks is null)
        {
            _ticks = this.RegisterGrainTimer(
                static (self, _) => self.TickAsync(),
                this,
                new GrainTimerCreationOptions(TickEvery, TickEvery) { KeepAlive = true }
            );
        }
    }

    /// <summary>
    /// Whether the record in memory is the stored one. While a silo that was declared dead still runs there are two activations, and the
    /// other one may have written.
    /// </summary>
    private async Task<bool> IsCurrentAsync()
    {
        var known = state.State;
        await state.ReadStateAsync(CancellationToken.None);
        var isCurrent = state.State.Version == known.Version;
        state.State = known;
        if (!isCurrent)
        {
            GiveUp();
        }

        return isCurrent;
    }

    /// <summary>Ends this activation, whose record may be wrong; the next call gets one that reads the stored record.</summary>
    private void GiveUp()
    {
        DeactivateOnIdle();
        // Otherwise watchers would keep this activation alive until their wait ends.
        _changed.Close();
        _work.CancelAll();
        _ticks?.Dispose();
        _ticks = null;
    }

    private Cause OwnCause() => new(clock.Now(), Current.RequestId, "scheduler");

    [LoggerMessage(1901, LogLevel.Information, "Service {Service}: {Trigger}, {Reason} (request {RequestId}, {Actor})")]
    private partial void LogEvent(ServiceId service, string trigger, string reason, RequestId requestId, string actor);
}
