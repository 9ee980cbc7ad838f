using Scheduler.Api.V1;
using Xunit;

namespace Scheduler.SystemTests.Load;

/// <summary>Stops what runs, and checks that nothing is left of it.</summary>
internal sealed partial class Audit
{
    /// <summary>Stops every instance that runs; the acknowledgement counts as one of the load.</summary>
    public async Task StopAllAsync(CancellationToken cancellation)
    {
        var running = (await ListAsync(cancellation)).Where(i => i.State == InstanceState.Running);
        await Parallel.ForEachAsync(
            running,
            new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = cancellation },
            async (instance, cancelled) =>
            {
                var id = instance.Name.Split('/')[^1];
                await _instances.StopInstanceAsync(
                    new StopInstanceRequest { Name = instance.Name, RequestId = $"end-{id}" },
                    cancellationToken: cancelled
                );
                load.LastAcknowledged[instance.Name] = "stop";
            }
        );
    }

    /// <summary>
    /// Waits until the account holds no money, has no running instance and burns nothing (INV-06). A hold whose launch
    /// was never recorded must end within a minute.
    /// </summary>
    public async Task NothingHeldAsync(CancellationToken cancellation)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var account = await AccountAsync(cancellation);
            if (account is { HoldsMicroEur: 0, RunningInstances: 0, BurnPerHourMicroEur: 0, AccruedMicroEur: 0 })
            {
                var ledger = await LedgerAsync(cancellation);
                Assert.Equal(account.BalanceMicroEur, ledger.Sum(entry => entry.AmountMicroEur));
                return;
            }

            Assert.True(
                TimeProvider.System.GetElapsedTime(began) < Longest,
                $"All instances are stopped, but the account is {account}"
            );
            await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System, cancellation);
        }
    }
}
