using System.Collections.Immutable;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Providers;
using Scheduler.Grains.Billing;

namespace Scheduler.Grains.Instances;

/// <summary>Stopping, and whatever else is owed: release and settlement are asked for until both are confirmed.</summary>
internal sealed partial class InstanceGrain
{
    private const string StopCommand = "Stop";

    /// <summary>
    /// How long one attempt to pay a debt may take: a provider that does not answer is asked again, and keeps the other debts waiting no
    /// longer. Giving back takes longer only where the provider says <see cref="ReleaseOutcome.Pending"/> meanwhile.
    /// </summary>
    private static readonly TimeSpan LongestPayment = TimeSpan.FromSeconds(15);

    /// <inheritdoc/>
    public async Task<Answer<InstanceRecord>> StopAsync(CommandContext context)
    {
        if (Seen(context.Account) is { IsOk: false } unseen)
        {
            return unseen;
        }

        if (_recorded.WasHandled(StopCommand, context.ClientRequestId))
        {
            return _recorded;
        }

        var cause = CauseOf(context);
        return await ApplyAsync(
            InstanceDecisions
                .End(_recorded, cause)
                .And(next =>
                    InstanceDecisions.Change(next, n => n.Remember(StopCommand, context.ClientRequestId), cause)
                )
        );
    }

    /// <summary>Pays what the record owes, now and as often as it takes; each round reports what was confirmed.</summary>
    private async Task PayDebtsAsync(InstanceRecord record, CancellationToken cancellationToken)
    {
        for (var pause = Launch.DebtRetry; ; pause = Longer(pause))
        {
            var owed = _recorded.Debts;
            if (owed.IsEmpty)
            {
                return;
            }

            var confirmed = await Task.WhenAll(owed.Select(debt => PayAsync(debt, cancellationToken)));
            var paid = owed.Where((_, i) => confirmed[i]).ToImmutableArray();
            if (!paid.IsEmpty)
            {
                await Inbox.DebtsPaidAsync(paid);
            }

            if (paid.Length < owed.Length)
            {
                await Task.Delay(pause, clock, cancellationToken);
            }
        }
    }

    /// <inheritdoc/>
    public async Task DebtsPaidAsync(ImmutableArray<Debt> paid)
    {
        var decision = InstanceDecisions.Pay(_recorded, paid, OwnCause());
        if (decision.IsPermitted)
        {
            await ApplyAsync(decision);
        }
    }

    private async Task<bool> PayAsync(Debt debt, CancellationToken cancellationToken)
    {
        try
        {
            if (debt.Kind == DebtKind.Settle)
            {
                await GrainFactory.Account(_recorded.Account).CloseRunAsync(CloseOf(_recorded, debt));
                return true;
            }

            if (providers.Find(debt.Provider) is not { } provider)
            {
                // It cannot be asked; what it may hold is still ours, so the debt stays.
                LogProviderGone(Self, debt.Provider, debt.Key);
                return false;
            }

            return await ReleaseAsync(provider, debt.Key, cancellationToken) == ReleaseOutcome.Released;
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            LogWorkFailed(exception, Self, $"{debt.Kind} {debt.Key}");
            return false;
        }
    }

    private async Task<ReleaseOutcome> ReleaseAsync(
        IProvider provider,
        AllocationKey key,
        CancellationToken cancellationToken
    )
    {
        using var patience = new CancellationTokenSource(LongestPayment, clock);
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        return await provider.ReleaseAsync(key, ends.Token).WaitAsync(ends.Token);
    }

    private static CloseRun CloseOf(InstanceRecord record, Debt debt) =>
        new(record.Id, debt.Run, debt.RunningSince, debt.RunningUntil, debt.PricePerHour, record.RequestId);
}
