using System.Collections.Immutable;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Secrets;
using Scheduler.Grains.Billing;

namespace Scheduler.Grains.Secrets;

/// <summary>The secrets of one account: decide, record; see <see cref="SecretDecisions"/>.</summary>
[GrainType("secrets")]
internal sealed class SecretsGrain(
    IGrainContext context,
    [PersistentState("secrets", GrainStorageNames.Database)] IPersistentState<SecretSet> state,
    ISecretVault vault,
    IGrainFactory grains,
    TimeProvider clock
) : IGrainBase, ISecretsGrain
{
    private readonly Recorded<SecretSet> _set = new(state);

    public IGrainContext GrainContext => context;

    private SecretSet Set => _set.Value;

    private AccountId Account { get; } = SecretsKeys.AccountOf(context.GrainId.Key.ToString()!);

    public async Task<Answer<SecretView>> CreateAsync(string name, SecretText value, CommandContext context)
    {
        if (Set.Find(name) is { } known)
        {
            return MaySee(context.Account) && IsSame(known, value)
                ? known.ToView(Account)
                : Refusal.Exists(
                    $"Secret '{name}' exists already, with another value. Rotate it to replace the value."
                );
        }

        if (Refused(value) is { } refusal)
        {
            return refusal;
        }

        if (Set.Secrets.Length >= SecretSet.MostSecrets)
        {
            return Refusal.Invalid(
                new FieldFault("parent", $"Has {SecretSet.MostSecrets} secrets, the most an account may have.")
            );
        }

        var (key, count) = (GrainContext.GrainId.Key.ToString()!, Set.Secrets.Length);
        return await grains.WithinQuotaAsync(
            Account,
            new QuotaClaim(Quota.Secrets, key, count, count + 1),
            () => PutAsync(name, value, context)
        );
    }

    public async Task<Answer<SecretView>> RotateAsync(
        string name,
        SecretText value,
        long? ifVersion,
        CommandContext context
    )
    {
        var seen = Seen(name, context.Account);
        if (!seen.IsOk)
        {
            return seen;
        }

        if (ifVersion is { } expected && expected != seen.Value.Version)
        {
            return new Refusal
            {
                Kind = RefusalKind.WrongState,
                Message = $"The secret is at version {seen.Value.Version}, not {expected}: read it again.",
                State = $"VERSION_{seen.Value.Version}",
            };
        }

        return Refused(value) is { } refusal ? refusal : await PutAsync(name, value, context);
    }

    public async Task<Answer<SecretView>> DeleteAsync(string name, CommandContext context)
    {
        var seen = Seen(name, context.Account);
        if (seen.IsOk)
        {
            await _set.WriteAsync(SecretDecisions.Remove(Set, name, CauseOf(context)), this);
        }

        return seen;
    }

    public Task<Answer<SecretView>> GetAsync(string name, AccountId? account) => Task.FromResult(Seen(name, account));

    public Task<ImmutableArray<SecretView>> ListAsync(string afterName, int limit) =>
        Task.FromResult<ImmutableArray<SecretView>>([
            .. Set
                .Secrets.Where(secret => string.CompareOrdinal(secret.Name, afterName) > 0)
                .Take(limit)
                .Select(secret => secret.ToView(Account)),
        ]);

    public Task<ImmutableSortedDictionary<string, SealedValue>> ReadSealedAsync(ImmutableArray<string> names)
    {
        if (Set.IsBlank)
        {
            this.DeactivateOnIdle();
        }

        return Task.FromResult(
            Set.Secrets.Where(secret => names.Contains(secret.Name, StringComparer.Ordinal))
                .ToImmutableSortedDictionary(secret => secret.Name, secret => secret.Sealed, StringComparer.Ordinal)
        );
    }

    public async Task<int> RewrapAsync()
    {
        var before = Set;
        var next = SecretDecisions.Rewrap(before, secret => vault.Rewrap(secret.Sealed, Binding(secret.Name)));
        if (next != before)
        {
            await _set.WriteAsync(next, this);
        }

        return before.Secrets.Zip(next.Secrets).Count(pair => pair.First != pair.Second);
    }

    private async Task<Answer<SecretView>> PutAsync(string name, SecretText value, CommandContext context)
    {
        var sealedValue = vault.Seal(value.Value, Binding(name));
        await _set.WriteAsync(
            SecretDecisions.Put(Set with { Account = Account }, name, sealedValue, CauseOf(context)),
            this
        );
        return Set.Find(name)!.ToView(Account);
    }

    /// <summary>Whether a repeated create has the stored value; the first character that differs must not show in the time.</summary>
    private bool IsSame(StoredSecret known, SecretText value) =>
        System.Security.Cryptography.CryptographicOperations.FixedTimeEquals(
            System.Security.Cryptography.SHA256.HashData(
                System.Text.Encoding.UTF8.GetBytes(vault.Open(known.Sealed, Binding(known.Name)))
            ),
            System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(value.Value))
        );

    private Refusal? Refused(SecretText value) =>
        !SecretValidation.IsValue(value.Value)
            ? Refusal.Invalid(new FieldFault("value", $"Must be {SecretValidation.Value}."))
        : vault.Unusable is { } why
            ? new Refusal
            {
                Kind = RefusalKind.WrongState,
                Message = $"The scheduler stores no secrets yet. {why}",
                State = "NO_MASTER_KEY",
            }
        : null;

    private Answer<SecretView> Seen(string name, AccountId? account)
    {
        if (Set.Find(name) is { } found && MaySee(account))
        {
            return found.ToView(Account);
        }

        if (Set.IsBlank)
        {
            // A caller that tries names must not fill the silo with activations.
            this.DeactivateOnIdle();
        }

        return Refusal.NotFound("Secret");
    }

    private bool MaySee(AccountId? account) => account is null || account == Account;

    private SecretBinding Binding(string name) => SecretBinding.OfSecret(Account, name);

    private Cause CauseOf(CommandContext command) => new(clock.Now(), command.RequestId, command.Actor);
}
