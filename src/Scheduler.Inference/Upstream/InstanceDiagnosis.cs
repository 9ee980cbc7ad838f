using System.Collections.Concurrent;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Runtimes;
using Scheduler.Grains;
using Scheduler.Inference.Serving;

namespace Scheduler.Inference.Upstream;

/// <summary>
/// Finds out why a runtime does not answer, so that interrupted requests get the true cause. It asks the instance grain to check its
/// runtime now, repeatedly, until the grain records the end of the run or 3 s have passed. Requests that fail together share one
/// diagnosis.
/// </summary>
internal sealed class InstanceDiagnosis(IGrainFactory grains, TimeProvider clock)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private readonly ConcurrentDictionary<Question, Task<Failure?>> _running = new();

    /// <summary>Finds the failure to report to the client.</summary>
    /// <param name="instance">The instance as it was when the request was sent.</param>
    /// <param name="what">The symptom: could not be reached, broke off, …</param>
    public async Task<Failure> DiagnoseAsync(ServedInstance instance, string what)
    {
        var found = await AskAsync(instance, Patience);
        return found ?? FailureCatalogue.Describe(new RuntimeErrorFacts(instance.ServingName, what));
    }

    /// <summary>The end of a run, for an error that may come from a proxy in front of a runtime that ended.</summary>
    /// <returns>Null when the run has not visibly ended; then the error is the runtime's own.</returns>
    public Task<Failure?> EndOfAsync(ServedInstance instance) => AskAsync(instance, TimeSpan.Zero);

    /// <summary>The failure for requests to an instance that does not serve.</summary>
    public static Failure NotServing(ServedInstance instance) =>
        instance.Failure is { } failed
            ? failed.Failure
            : FailureCatalogue.Describe(new NotRunningFacts(instance.Id, instance.ServingName, instance.State));

    private Task<Failure?> AskAsync(ServedInstance instance, TimeSpan patience) =>
        _running.GetOrAdd(
            new Question(instance.Id, instance.Run, patience),
            static (question, state) => state.Self.ExamineAsync(question, state.Account),
            (Self: this, instance.Account)
        );

    private async Task<Failure?> ExamineAsync(Question key, AccountId account)
    {
        await Task.Yield();
        try
        {
            var began = clock.GetTimestamp();
            while (true)
            {
                var answer = await grains.Instance(key.Id).ExamineAsync(account, key.Run);
                if (!answer.IsOk)
                {
                    return null;
                }

                var record = answer.Value;
                if (record.State != InstanceState.Running || record.Run != key.Run)
                {
                    return await CauseAsync(record);
                }

                if (clock.GetElapsedTime(began) >= key.Patience)
                {
                    return null;
                }

                await Task.Delay(Pause, clock);
            }
        }
        catch (Exception e) when (e is TimeoutException or SiloUnavailableException or OrleansMessageRejectionException)
        {
            // The cause is unknown now; the client gets the symptom.
            return null;
        }
        finally
        {
            _running.TryRemove(key, out _);
        }
    }

    /// <summary>Why a run ended; for a re-routed instance only the timeline has the cause.</summary>
    private async Task<Failure> CauseAsync(InstanceRecord record)
    {
        var served = ServingTable.ToServed(record);
        if (record.Failure is not null)
        {
            return record.Failure.Failure;
        }

        const int recent = 8;
        var after = Math.Max(0, record.LastSequence - recent);
        var page = await grains.Fleet().TimelineAsync(record.Id, record.Account, after, recent);
        var last = page.Value?.Events.LastOrDefault(e => e.Code != FailureCode.None);
        if (last is null)
        {
            return NotServing(served);
        }

        var isComingBack = record.State is InstanceState.Provisioning or InstanceState.Starting;
        return FailureCatalogue.Describe(new RunEndedFacts(last.Code, last.Reason, record.ServingName, isComingBack));
    }

    /// <summary>Key of a diagnosis: whether one run still runs, checked for this long.</summary>
    private sealed record Question(InstanceId Id, int Run, TimeSpan Patience);
}
