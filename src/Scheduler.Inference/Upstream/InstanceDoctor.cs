using System.Collections.Concurrent;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Runtimes;
using Scheduler.Grains;
using Scheduler.Inference.Serving;

namespace Scheduler.Inference.Upstream;

/// <summary>
/// Finds out why a runtime does not answer, so that the requests that were under way get the true cause: the instance is told to look at its
/// runtime now, and asked until it has found it dead or some seconds have passed. Requests that fail together ask together.
/// </summary>
internal sealed class InstanceDoctor(IGrainFactory grains, TimeProvider clock)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private readonly ConcurrentDictionary<Question, Task<Failure?>> _looking = new();

    /// <summary>The failure to tell a client.</summary>
    /// <param name="instance">The instance as it was when the request was sent.</param>
    /// <param name="what">What was seen of its runtime: could not be reached, broke off, …</param>
    public async Task<Failure> DiagnoseAsync(ServedInstance instance, string what)
    {
        var found = await AskAsync(instance, Patience);
        return found ?? FailureCatalogue.Describe(new RuntimeErrorFacts(instance.ServingName, what));
    }

    /// <summary>Why a run has ended whose address answers with an error: what stands in front of a runtime outlives it.</summary>
    /// <returns>Null where it has not ended as far as can be seen at once: then the error is the runtime's own.</returns>
    public Task<Failure?> EndOfAsync(ServedInstance instance) => AskAsync(instance, TimeSpan.Zero);

    /// <summary>What an instance that does not serve answers its requests with.</summary>
    public static Failure NotServing(ServedInstance instance) =>
        instance.Failure is { } failed
            ? failed.Failure
            : FailureCatalogue.Describe(new NotRunningFacts(instance.Id, instance.ServingName, instance.State));

    private Task<Failure?> AskAsync(ServedInstance instance, TimeSpan patience) =>
        _looking.GetOrAdd(
            new Question(instance.Id, instance.Run, patience),
            static (question, state) => state.Doctor.LookAsync(question, state.Account),
            (Doctor: this, instance.Account)
        );

    private async Task<Failure?> LookAsync(Question key, AccountId account)
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
            // Nobody can say now; the client is told what was seen.
            return null;
        }
        finally
        {
            _looking.TryRemove(key, out _);
        }
    }

    /// <summary>Why a run ended. A re-routed instance is on its way again and keeps the cause in its timeline alone.</summary>
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

    /// <summary>Whether one run still runs, asked for so long.</summary>
    private sealed record Question(InstanceId Id, int Run, TimeSpan Patience);
}
