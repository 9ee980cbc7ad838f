using Scheduler.Domain.Instances;
using Scheduler.Domain.Services;
using Scheduler.Grains.Agenda;
using Scheduler.Grains.Services;
using Scheduler.Grains.Telemetry;

namespace Scheduler.Grains.Instances;

/// <summary>Writes the decided record, then starts the work that it requires. A wake-up checks the deadline and restarts missing work.</summary>
internal sealed partial class InstanceGrain
{
    private bool _hasRecorded;
    private IGrainTimer? _deadline;

    /// <summary>Start of the current launch, for metrics; null when this activation did not see its first attempt.</summary>
    private DateTimeOffset? _launchBegan;

    private IInstanceInbox Inbox => this.AsReference<IInstanceInbox>();

    /// <summary>Checks the deadline and restarts work that a crash or failure ended.</summary>
    public async Task<DateTimeOffset?> WakeAsync()
    {
        await EndPhaseIfLateAsync();
        ActAfterRecord();
        return NextWake() ?? (await IsCurrentAsync() ? null : clock.Now());
    }

    private async Task<Answer<InstanceRecord>> ApplyAsync(InstanceDecision decision)
    {
        if (!decision.IsPermitted)
        {
            return WrongState(decision.Why);
        }

        await RecordAsync(decision.Next);
        return _recorded;
    }

    private async Task RecordAsync(InstanceRecord next)
    {
        state.State = next;
        try
        {
            await state.WriteStateAsync(CancellationToken.None);
        }
        catch
        {
            // The outcome is unknown.
            state.State = _recorded;
            GiveUp();
            if (_hasRecorded)
            {
                // A new activation continues at once, not only when the agenda is next due: a launch must not time out because of one
                // failed write. An activation that never wrote successfully leaves it to the agenda: a full disk must not cause a loop.
                this.AsReference<IWakeable>().WakeAsync().Ignore();
            }

            throw;
        }

        RememberLaunchStart(next);
        metrics.Record(_recorded, next, _launchBegan);
        _recorded = next;
        _hasRecorded = true;
        foreach (var happened in next.Events)
        {
            LogTransition(
                next.Id,
                happened.From,
                happened.To,
                happened.Trigger,
                happened.Reason,
                happened.RequestId,
                happened.Actor
            );
        }

        _changed.Raise();
        TellService();
        ActAfterRecord();
    }

    /// <summary>Tells the service of a replica. The message may be lost: the service then looks itself, but later.</summary>
    private void TellService()
    {
        if (ReplicaLabels.ServiceOf(_recorded.Labels) is { } service)
        {
            GrainFactory
                .GetGrain<IServiceInbox>(service.Value)
                .ReplicaChangedAsync(Self, ReplicaSight.Of(_recorded))
                .Ignore();
        }
    }

    /// <summary>A re-route continues the launch, so only the first attempt of a run counts as its start.</summary>
    private void RememberLaunchStart(InstanceRecord record)
    {
        if (record is { State: InstanceState.Provisioning, Attempt: 1 })
        {
            _launchBegan = record.StateSince;
        }
    }

    private void ActAfterRecord()
    {
        _work.Match(Self.Value, _recorded.RequestId, [.. WorkRequiredNow()]);
        ArmDeadline();
    }

    private IEnumerable<RequiredWork> WorkRequiredNow()
    {
        var record = _recorded;
        if (record.State == InstanceState.Provisioning)
        {
            yield return new($"allocate {record.Intent!.Key}", cancelled => AllocateAsync(record, cancelled));
        }
        else if (record.State == InstanceState.Starting)
        {
            yield return new($"probe {record.Intent!.Key}", cancelled => ProbeAsync(record, cancelled));
        }
        else if (record.State == InstanceState.Running && _meteredRun != record.Run)
        {
            yield return new($"meter {record.Run}", cancelled => StartMeterAsync(record, cancelled));
        }

        if (MayTeach(record))
        {
            yield return new($"teach {record.Run}", cancelled => TeachAsync(record, cancelled));
        }

        if (!record.PendingCleanups.IsEmpty)
        {
            yield return new("cleanup", CleanUpAsync);
        }
    }

    /// <summary>Sets one timer for the exact time left. The agenda keeps the same moment, in case this activation is lost.</summary>
    private void ArmDeadline()
    {
        _deadline?.Dispose();
        _deadline = null;
        if (_recorded.Deadline() is not { } due)
        {
            return;
        }

        var left = due - clock.Now();
        left = left < TimeSpan.Zero ? TimeSpan.Zero : left;
        _deadline = this.RegisterGrainTimer(
            static (self, _) => self.EndPhaseIfLateAsync(),
            this,
            new GrainTimerCreationOptions(left, Timeout.InfiniteTimeSpan)
        );
        if (_recorded.State != InstanceState.Waiting)
        {
            // A wait may take days and needs no memory: the agenda and offers that appear activate the instance.
            DelayDeactivation(left + TimeSpan.FromMinutes(1));
        }
    }

    private Task EndPhaseIfLateAsync() =>
        _recorded.State switch
        {
            InstanceState.Provisioning => EndProvisioningIfLateAsync(),
            InstanceState.Starting => EndStartingIfLateAsync(),
            InstanceState.Waiting => EndWaitingIfLateAsync(),
            InstanceState.Stopped
            or InstanceState.Checking
            or InstanceState.Running
            or InstanceState.Stopping
            or InstanceState.Failed
            or InstanceState.Deleted => Task.CompletedTask,
            _ => throw new System.Diagnostics.UnreachableException(),
        };

    private bool IsLate => _recorded.Deadline() <= clock.Now();

    private DateTimeOffset? NextWake()
    {
        var now = clock.Now();
        return _recorded.NextWake(now, IsMetered ? null : now + InstanceDeadlines.MeterBackstop);
    }

    /// <summary>
    /// Whether the record in memory is the stored one. While a silo that was declared dead still runs, there are two activations, and the
    /// other one may have written. A wake-up decided from the old record would then remove the one that is stored (INV-03).
    /// </summary>
    private async Task<bool> IsCurrentAsync()
    {
        await state.ReadStateAsync(CancellationToken.None);
        var isCurrent = state.State.Generation == _recorded.Generation;
        state.State = _recorded;
        if (!isCurrent)
        {
            GiveUp();
        }

        return isCurrent;
    }

    /// <summary>Ends this activation, whose record may be wrong; the next call gets an activation that reads the stored record.</summary>
    private void GiveUp()
    {
        DeactivateOnIdle();
        // Otherwise watchers would keep this activation alive, and all commands waiting, until their wait ends.
        _changed.Close();
        _work.CancelAll();
    }

    private Cause OwnCause(string actor = "scheduler") => new(clock.Now(), _recorded.RequestId, actor);

    private Cause ProviderCause() => OwnCause($"provider:{_recorded.Intent!.Offer.Provider}");
}
