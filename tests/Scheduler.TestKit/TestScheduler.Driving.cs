using System.Collections.Immutable;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Events;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Grains;
using Scheduler.Grains.Billing;
using Scheduler.Grains.Instances;

namespace Scheduler.TestKit;

/// <summary>Common steps of tests, each as one call.</summary>
public sealed partial class TestScheduler
{
    private const int Many = 1000;

    /// <summary>Creates an account with money.</summary>
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

    public async Task<TopUpAnswer> TopUpAsync(AccountId account, MicroEuro amount, string reference) =>
        Good(await Grains.Account(account).TopUpAsync(amount, reference, As(null)));

    public async Task<AccountView> MoneyAsync(AccountId account) => Good(await Grains.Account(account).GetAsync(null));

    /// <summary>The account's ledger, oldest first.</summary>
    public async Task<ImmutableArray<LedgerEntry>> LedgerAsync(AccountId account) =>
        [.. (await Grains.Fleet().LedgerAsync(account, long.MaxValue, Many)).Reverse()];

    /// <summary>Creates a stopped instance.</summary>
    public async Task<InstanceId> CreateAsync(AccountId account, LaunchSpec? spec = null, string? name = null)
    {
        var id = NewInstanceId();
        Good(await TryCreateAsync(account, id, spec, name));
        return id;
    }

    /// <summary>Creates a stopped instance, or returns the refusal.</summary>
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

    public Task<Answer<InstanceRecord>> LaunchAsync(InstanceId id, string? clientRequestId = null) =>
        Grains.Instance(id).StartAsync(As(null, clientRequestId));

    public Task<Answer<InstanceRecord>> StopAsync(InstanceId id, string? clientRequestId = null) =>
        Grains.Instance(id).StopAsync(As(null, clientRequestId));

    public Task<Answer<InstanceRecord>> DeleteAsync(InstanceId id) => Grains.Instance(id).DeleteAsync(As(null));

    public async Task<InstanceRecord> SeeAsync(InstanceId id) => Good(await Grains.Instance(id).GetAsync(null));

    /// <summary>Launches an instance and waits until it serves.</summary>
    public async Task<InstanceRecord> RunningAsync(AccountId account, LaunchSpec? spec = null)
    {
        var id = await CreateAsync(account, spec);
        Good(await LaunchAsync(id));
        return await UntilAsync(id, InstanceState.Running);
    }

    /// <summary>The clock stands still unless a step is given.</summary>
    public Task<InstanceRecord> UntilAsync(InstanceId id, InstanceState state, TimeSpan? step = null) =>
        UntilAsync(id, record => record.State == state, $"{id} is {state}", step);

    public Task<InstanceRecord> UntilAsync(
        InstanceId id,
        Func<InstanceRecord, bool> isSo,
        string what,
        TimeSpan? step = null
    ) => Eventually.UntilAsync(() => SeeAgainAsync(id), isSo, what, step is null ? null : Clock, step ?? default);

    /// <summary>Waits until an instance is in a state and has no pending cleanup.</summary>
    public Task<InstanceRecord> SettledAsync(InstanceId id, InstanceState state, TimeSpan? step = null) =>
        UntilAsync(
            id,
            record => record.State == state && record.PendingCleanups.IsEmpty,
            $"{id} is {state} without pending cleanup",
            step
        );

    /// <summary>An instance's timeline, oldest first.</summary>
    public async Task<ImmutableArray<StoredEvent>> TimelineAsync(InstanceId id) =>
        Good(await Grains.Fleet().TimelineAsync(id, null, 0, Many)).Events;

    /// <summary>The transitions of a timeline in short form: <c>Stopped→Checking by Start</c>.</summary>
    public async Task<string[]> PathAsync(InstanceId id) =>
        [.. (await TimelineAsync(id)).Where(e => e.From is not null).Select(e => $"{e.From}→{e.To} by {e.Trigger}")];

    /// <summary>The value of a successful answer.</summary>
    /// <exception cref="InvalidOperationException">The answer is a refusal.</exception>
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
            // A silo is starting or stopping; the call is repeated.
            return new InstanceRecord();
        }
    }
}
