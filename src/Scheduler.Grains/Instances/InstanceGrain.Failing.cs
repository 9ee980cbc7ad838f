using Scheduler.Domain.Failures;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;
using Scheduler.Domain.Runtimes.Exits;
using Scheduler.Grains.Models;

namespace Scheduler.Grains.Instances;

/// <summary>The end of a run by a failure: the runtime's end while starting or running, the hint, and the re-route.</summary>
internal sealed partial class InstanceGrain
{
    /// <summary>A run that served as long shows that its route can serve the model.</summary>
    private static readonly TimeSpan ServedLong = TimeSpan.FromMinutes(10);

    /// <summary>The runtime ended, stopped answering, or lost its capacity. No effect for a status that ends nothing.</summary>
    private async Task RuntimeEndedAsync(Allocation seen)
    {
        var intent = _recorded.Intent!;
        var allocation = await secrets.WithoutAsync(_recorded, seen);
        var finding =
            allocation.Status == AllocationStatus.Exited
                ? ExitDiagnosis.Find(allocation.Exit ?? new RuntimeExit(), _recorded.State == InstanceState.Running)
                : null;
        var (trigger, code, what) = allocation.Status switch
        {
            AllocationStatus.Exited => Diagnosed(finding!, allocation.Exit?.ExitCode),
            AllocationStatus.Preempted => (
                InstanceTrigger.Preempted,
                FailureCode.Preempted,
                $"{intent.Offer.Provider} took the capacity back{WordsOf(allocation)}"
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

        var cause = ProviderCause();
        var avoid =
            trigger == InstanceTrigger.Preempted
            || (code == FailureCode.RuntimeExited && MayBeOfTheRoute(finding, cause.Now))
                ? Avoid(intent.Offer.Route)
                : null;
        var remedy = code == FailureCode.OomKilled ? await RemedyForAsync(finding!, intent.Offer) : null;
        // An unhealthy runtime is about to be released: its output can be read only now.
        var exit =
            allocation.Exit is null && allocation.Status == AllocationStatus.Unhealthy
                ? new RuntimeExit { OutputTail = await provider.TryReadOutputAsync(_recorded, _work.Cancellation) }
                : allocation.Exit;
        var next = avoid is null
            ? null
            : await TryHintAsync(checks.NextRouteAsync(_recorded, avoid, GrainFactory, cause.Now));
        var failure = FailureCatalogue.Describe(EndFacts(code, exit, what, remedy, finding) with { Next = next });
        var ended = _recorded;
        await FailOrRerouteAsync(trigger, failure, avoid, cause);
        if (finding?.Cause is ExitCause.GpuMemory or ExitCause.GpuCache)
        {
            ModelTeaching.Died(ended, GrainFactory);
        }
    }

    /// <summary>
    /// Whether the host may have ended the runtime, so that its route ranks last for a while. An end that the spec explains would repeat
    /// itself everywhere. A route on which a run served is good unless it ends runs again and again.
    /// </summary>
    private bool MayBeOfTheRoute(ExitFinding? finding, DateTimeOffset now) =>
        finding is null or { Cause: ExitCause.Unknown or ExitCause.GpuAccess or ExitCause.Killed }
        && (
            _recorded.RunningSince is not { } since
            || now - since < ServedLong
            || PastFailures.With(_recorded, FailureCode.RuntimeExited)?.IsRepeatedOnRoute is true
        );

    /// <summary>A larger GPU frees no main memory. A smaller context does where the cache is in main memory.</summary>
    private async Task<MemoryRemedy?> RemedyForAsync(ExitFinding finding, Offer offer)
    {
        var isHost = finding.Cause == ExitCause.HostMemory;
        if (isHost && !finding.IsHostCache && offer.GpuType != ModelLibrary.HostProcessor)
        {
            return null;
        }

        var remedy = await TryHintAsync(checks.RemedyForAsync(_recorded, GrainFactory));
        return isHost && remedy is not null
            ? remedy with
            {
                GpuType = null,
                PricePerHour = null,
                Also = null,
                Estimate = null,
            }
            : remedy;
    }

    /// <summary>The provider's reason in parentheses; empty if it gave none.</summary>
    private static string WordsOf(Allocation allocation) =>
        allocation.Exit?.ProviderReason is { Length: > 0 } reason ? $" ({OutputLines.Clean(reason)})" : "";

    private async Task AllocationVanishedAsync()
    {
        var intent = _recorded.Intent!;
        var what = $"{intent.Offer.Provider} no longer lists the allocation {intent.Key}";
        var (avoid, cause) = (Avoid(intent.Offer.Route), ProviderCause());
        var facts = EndFacts(FailureCode.RuntimeExited, null, what, null) with
        {
            Next = await TryHintAsync(checks.NextRouteAsync(_recorded, avoid, GrainFactory, cause.Now)),
        };
        var failure = FailureCatalogue.Describe(facts);
        await ApplyAsync(InstanceDecisions.Fail(_recorded, InstanceTrigger.RuntimeExited, failure, avoid, cause));
    }

    private static (InstanceTrigger, FailureCode, string) Diagnosed(ExitFinding finding, int? exitCode)
    {
        var how = exitCode is { } number ? $"with exit code {number}" : "without an exit code";
        var what =
            finding.Cause == ExitCause.HostMemory ? $"The host's main memory ran out and the runtime ended {how}"
            : finding.Code == FailureCode.OomKilled ? $"The runtime exceeded the GPU's memory and ended {how}"
            : finding.Code == FailureCode.ModelLoadError ? $"The runtime could not load the model and ended {how}"
            : finding.Code == FailureCode.ImagePullFailed ? "The runtime's image could not be pulled"
            : $"The runtime ended {how}";
        return (InstanceTrigger.RuntimeExited, finding.Code, what);
    }

    private RuntimeEndFacts EndFacts(
        FailureCode code,
        RuntimeExit? exit,
        string what,
        MemoryRemedy? remedy,
        ExitFinding? finding = null
    ) =>
        new(
            code,
            _recorded.Intent!.Offer,
            _recorded.Intent.Model,
            _recorded.Spec.ContextTokens,
            exit,
            what,
            remedy,
            finding,
            _recorded.Spec.Runtime
        );

    /// <summary>The facts that only a hint needs; null when they are not available. The failure is recorded in any case.</summary>
    private async Task<T?> TryHintAsync<T>(ValueTask<T?> facts)
        where T : class
    {
        try
        {
            return await facts;
        }
        catch (Exception exception)
        {
            LogHintFailed(exception, Self);
            return null;
        }
    }

    /// <summary>
    /// Records a failure. With <c>auto_reroute</c> it records the failure and the next attempt on another route in one write, if the checks
    /// of that attempt pass.
    /// </summary>
    private async Task FailOrRerouteAsync(InstanceTrigger trigger, Failure failure, AvoidedRoute? avoid, Cause cause)
    {
        var failed = InstanceDecisions.Fail(_recorded, trigger, failure, avoid, cause);
        await ApplyAsync(failed.IsPermitted ? await RerouteAsync(failed.Next, failed, cause) ?? failed : failed);
    }

    /// <summary>The failure and the next attempt on another route; null when there is none.</summary>
    private async Task<InstanceDecision?> RerouteAsync(InstanceRecord after, InstanceDecision failed, Cause cause)
    {
        if (!MayReroute(after))
        {
            return null;
        }

        var sameRun = after.RunningSince is null;
        var run = sameRun ? after.Run : after.Run + 1;
        var attempt = sameRun ? after.Attempt + 1 : 1;
        var found = await CheckAsync(after, run, attempt, cause.RequestId);
        return found.Intent is { } intent
            ? failed.And(next =>
                InstanceDecisions
                    .Begin(next, intent, run, attempt, cause with { Actor = "scheduler" })
                    .And(again => InstanceDecisions.Change(again, n => n with { Reroutes = after.Reroutes + 1 }, cause))
            )
            : null;
    }

    private bool MayReroute(InstanceRecord failed) =>
        failed.Spec.AutoReroute
        && failed.Reroutes < Launch.MaxReroutes
        && failed.Failure?.Failure.Code
            is FailureCode.ProviderTimeout
                or FailureCode.ProviderRejected
                or FailureCode.Preempted;
}
