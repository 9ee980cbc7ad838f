using System.Collections.Immutable;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Events;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Grains;
using Scheduler.Grains.Billing;
using Scheduler.Grains.Instances;

namespace Scheduler.TestKit;

/// <summary>What tests do again and again, each as one call.</summary>
public sealed partial class TestScheduler
{
    private const int Many = 1000;

    /// <summary>An account with money.</summary>
    public async Task<AccountId> AccountAsync(string slug = "a", decimal euros = 100m, TimeSpan grace = default)
    {
        var account = Make.Account(slug);
        Good(await Grains.Account(account).CreateAsync(new CreateAccount(slug, grace), As(null)));
        if (euros > 0)
        {
            await TopUpAsync(account, Make.Euros(euros), "opening");
        }

        return account;
    }

    /// <summary>Money in.</summary>
    public async Task<TopUpAnswer> TopUpAsync(AccountId account, MicroEuro amount, string reference) =>
        Good(await Grains.Account(account).TopUpAsync(amount, reference, As(null)));

    /// <summary>How the account stands.</summary>
    public async Task<AccountView> MoneyAsync(AccountId account) => Good(await Grains.Account(account).GetAsync(null));

    /// <summary>The account's ledger, oldest first.</summary>
    public async Task<ImmutableArray<LedgerEntry>> LedgerAsync(AccountId account) =>
        [.. (await Grains.Fleet().LedgerAsync(account, long.MaxValue, Many)).Reverse()];

    /// <summary>An instance, stopped.</summary>
    public async Task<InstanceId> CreateAsync(AccountId account, LaunchSpec? spec = null, string? name = null)
    {
        var id = NewInstanceId();
        Good(await TryCreateAsync(account, id, spec, name));
        return id;
    }

    /// <summary>An instance, stopped, or the refusal.</summary>
    public Task<Answer<InstanceRecord>> TryCreateAsync(
        AccountId account,
        InstanceId id,
        LaunchSpec? spec = null,
        string? name = null
    ) =>
        Grains
            .Instance(id)
            .CreateAsync(
                new CreateInstance(
                    account,
                    name ?? $"serve-{id}",
                    spec ?? Make.Spec(),
                    ImmutableSortedDictionary<string, string>.Empty
                ),
                As(account)
            );

    /// <summary>Asks for a launch.</summary>
    public Task<Answer<InstanceRecord>> LaunchAsync(InstanceId id, string? clientRequestId = null) =>
        Grains.Instance(id).StartAsync(As(null, clientRequestId));

    /// <summary>Asks for the end of the run.</summary>
    public Task<Answer<InstanceRecord>> StopAsync(InstanceId id, string? clientRequestId = null) =>
        Grains.Instance(id).StopAsync(As(null, clientRequestId));

    /// <summary>Asks for removal.</summary>
    public Task<Answer<InstanceRecord>> DeleteAsync(InstanceId id) => Grains.Instance(id).DeleteAsync(As(null));

    /// <summary>What is recorded.</summary>
    public async Task<InstanceRecord> SeeAsync(InstanceId id) => Good(await Grains.Instance(id).GetAsync(null));

    /// <summary>A launched instance that serves.</summary>
    public async Task<InstanceRecord> RunningAsync(AccountId account, LaunchSpec? spec = null)
    {
        var id = await CreateAsync(account, spec);
        Good(await LaunchAsync(id));
        return await UntilAsync(id, InstanceState.Running);
    }

    /// <summary>Waits for a state; time stands still meanwhile unless a step is given.</summary>
    public Task<InstanceRecord> UntilAsync(InstanceId id, InstanceState state, TimeSpan? step = null) =>
        UntilAsync(id, record => record.State == state, $"{id} is {state}", step);

    /// <summary>Waits for the record to be as wanted.</summary>
    public Task<InstanceRecord> UntilAsync(
        InstanceId id,
        Func<InstanceRecord, bool> isSo,
        string what,
        TimeSpan? step = null
    ) => Eventually.UntilAsync(() => SeeAgainAsync(id), isSo, what, step is null ? null : Clock, step ?? default);

    /// <summary>Waits until an instance is in a state and owes nothing.</summary>
    public Task<InstanceRecord> SettledAsync(InstanceId id, InstanceState state, TimeSpan? step = null) =>
        UntilAsync(
            id,
            record => record.State == state && record.PendingCleanups.IsEmpty,
            $"{id} is {state} and owes nothing",
            step
        );

    /// <summary>An instance's timeline, oldest first.</summary>
    public async Task<ImmutableArray<StoredEvent>> TimelineAsync(InstanceId id) =>
        Good(await Grains.Fleet().TimelineAsync(id, null, 0, Many)).Events;

    /// <summary>The transitions of a timeline, in short: <c>Stopped→Checking by Start</c>.</summary>
    public async Task<string[]> PathAsync(InstanceId id) =>
        [.. (await TimelineAsync(id)).Where(e => e.From is not null).Select(e => $"{e.From}→{e.To} by {e.Trigger}")];

    /// <summary>The value of a good answer.</summary>
    /// <exception cref="InvalidOperationException">It is a refusal.</exception>
    public static T Good<T>(Answer<T> answer)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(answer);
        return answer.IsOk
            ? answer.Value
            : throw new InvalidOperationException($"Refused: {answer.Refusal.Kind} {answer.Refusal.Message}");
    }

    private async Task<InstanceRecord> SeeAgainAsync(InstanceId id)
    {
        try
        {
            return await SeeAsync(id);
        }
        catch (Exception exception)
            when (exception is TimeoutException or OrleansException or Orleans.Runtime.SiloUnavailableException)
        {
            // A silo is on its way out or in: asked again.
            return new InstanceRecord();
        }
    }
}
