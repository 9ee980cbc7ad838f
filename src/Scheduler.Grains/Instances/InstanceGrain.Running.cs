using Scheduler.Domain.Billing;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;
using Scheduler.Grains.Billing;

namespace Scheduler.Grains.Instances;

/// <summary>Running: the meter is started once; after that nothing ticks. News of the runtime's end comes from the provider's watch.</summary>
internal sealed partial class InstanceGrain
{
    /// <summary>The run whose meter the account has confirmed to this activation.</summary>
    private int _meteredRun;

    private Task _allocationCheck = Task.CompletedTask;

    /// <inheritdoc/>
    public async Task<Answer<InstanceRecord>> ExamineAsync(AccountId? account, int run)
    {
        if (Seen(account) is { IsOk: true } && _recorded.State == InstanceState.Running && _recorded.Run == run)
        {
            if (_allocationCheck.IsCompleted)
            {
                _allocationCheck = CheckAllocationAsync(_recorded.Intent!);
            }

            await _allocationCheck;
        }

        return Seen(account);
    }

    /// <inheritdoc/>
    public async Task<Answer<string>> ReadOutputAsync(AccountId? account)
    {
        var seen = Seen(account);
        if (!seen.IsOk)
        {
            return seen.Refusal;
        }

        return seen.Value.State is InstanceState.Starting or InstanceState.Running
            ? await LastOutputAsync(seen.Value.Intent!)
            : "";
    }

    /// <summary>What the runtime has printed last, if its provider says so soon; else empty.</summary>
    private async Task<string> LastOutputAsync(AllocationIntent intent)
    {
        try
        {
            return providers.Find(intent.Offer.Provider) is { } provider
                ? await provider.ReadOutputAsync(intent.Key, _work.Token).WaitAsync(CheckLimit, clock, _work.Token)
                : "";
        }
        catch (Exception exception) when (!_work.IsCancellationRequested)
        {
            LogProviderUnclear(exception, Self, intent.Offer.Provider, intent.Key);
            return "";
        }
    }

    private async Task CheckAllocationAsync(AllocationIntent intent)
    {
        // One that is not there may be a list that lags; the sweep sees to what has vanished.
        if (await CheckOnceAsync(intent) is { } seen && seen.Status != AllocationStatus.Ready)
        {
            await Inbox.ObservedAsync(seen);
        }
    }

    private async Task StartMeterAsync(InstanceRecord record, CancellationToken cancellationToken)
    {
        var command = new StartMeter(
            record.Id,
            record.Run,
            record.RunningSince!.Value,
            record.Intent!.PriceSnapshot,
            record.RequestId
        );
        for (var pause = Launch.DebtRetry; ; pause = Longer(pause))
        {
            try
            {
                await GrainFactory.Account(record.Account).StartMeterAsync(command);
                _meteredRun = record.Run;
                return;
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
            {
                LogWorkFailed(exception, record.Id, "meter");
            }

            await Task.Delay(pause, clock, cancellationToken);
        }
    }

    /// <inheritdoc/>
    public async Task VanishedAsync(AllocationKey key)
    {
        if (_recorded.State is not (InstanceState.Starting or InstanceState.Running) || _recorded.Intent?.Key != key)
        {
            LogStale(Self, key);
            return;
        }

        var facts = EndFacts(
            FailureCode.RuntimeExited,
            null,
            $"{_recorded.Intent.Offer.Provider} no longer lists the allocation {key}"
        );
        var cause = OwnCause($"provider:{_recorded.Intent.Offer.Provider}");
        await ApplyAsync(
            InstanceDecisions.Fail(
                _recorded,
                InstanceTrigger.RuntimeExited,
                FailureCatalogue.Describe(facts),
                null,
                cause
            )
        );
    }

    /// <inheritdoc/>
    public async Task BalanceExhaustedAsync(int run, MicroEuro balance)
    {
        if (_recorded.State != InstanceState.Running || _recorded.Run != run)
        {
            return;
        }

        var price = _recorded.Intent!.PriceSnapshot;
        var failure = FailureCatalogue.Describe(
            new BalanceExhaustedFacts(_recorded.Account, balance, price, options.Value.Billing.Threshold.HoldFor(price))
        );
        await ApplyAsync(
            InstanceDecisions.Fail(_recorded, InstanceTrigger.BalanceExhausted, failure, null, OwnCause())
        );
    }

    /// <summary>The runtime ended, stopped answering, or lost its capacity, while starting or running.</summary>
    private async Task RuntimeEndedAsync(Allocation allocation)
    {
        var (trigger, code, what) = allocation.Status switch
        {
            AllocationStatus.Exited => Diagnosed(allocation.Exit ?? new RuntimeExit()),
            AllocationStatus.Preempted => (
                InstanceTrigger.Preempted,
                FailureCode.Preempted,
                $"{_recorded.Intent!.Offer.Provider} took the capacity back"
            ),
            AllocationStatus.Unhealthy => (
                InstanceTrigger.RuntimeUnhealthy,
                FailureCode.RuntimeExited,
                "The runtime stopped answering its health check"
            ),
            AllocationStatus.Booting or AllocationStatus.Ready => (default, FailureCode.None, ""),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
        if (!InstanceLifecycle.TryNext(_recorded.State, trigger, out _))
        {
            return;
        }

        var cause = OwnCause($"provider:{_recorded.Intent!.Offer.Provider}");
        var avoid =
            trigger == InstanceTrigger.Preempted
                ? new AvoidedRoute(_recorded.Intent.Offer.Route, cause.Now + Launch.RouteCooldown)
                : null;
        var remedy =
            code == FailureCode.OomKilled ? await HintAsync(checks.RemedyForAsync(_recorded, GrainFactory)) : null;
        // One that only fell silent is about to be given back: what it printed is asked for while it can be.
        var exit =
            allocation.Exit is null && allocation.Status == AllocationStatus.Unhealthy
                ? new RuntimeExit { OutputTail = await LastOutputAsync(_recorded.Intent) }
                : allocation.Exit;
        var failure = FailureCatalogue.Describe(EndFacts(code, exit, what, remedy));
        await FailOrRerouteAsync(InstanceDecisions.Fail(_recorded, trigger, failure, avoid, cause), cause);
    }

    private (InstanceTrigger, FailureCode, string) Diagnosed(RuntimeExit exit)
    {
        var code = ExitDiagnosis.Diagnose(exit, _recorded.State == InstanceState.Running);
        var how = exit.ExitCode is { } number ? $"with exit code {number}" : "without an exit code";
        var what =
            code == FailureCode.OomKilled ? $"The runtime exceeded the GPU's memory and ended {how}"
            : code == FailureCode.ModelLoadError ? $"The runtime could not load the model and ended {how}"
            : code == FailureCode.ImagePullFailed ? "The runtime's image could not be pulled"
            : $"The runtime ended {how}";
        return (InstanceTrigger.RuntimeExited, code, what);
    }

    private RuntimeEndFacts EndFacts(FailureCode code, RuntimeExit? exit, string what, MemoryRemedy? remedy = null) =>
        new(code, _recorded.Intent!.Offer, _recorded.Intent.Model, _recorded.Spec.ContextTokens, exit, what, remedy);
}
