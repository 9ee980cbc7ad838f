using System.Collections.Immutable;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Secrets;
using Scheduler.Grains;
using Scheduler.Grains.Secrets;
using Scheduler.Storage.Secrets;

namespace Scheduler.UnitTests.Api;

/// <summary>The real decisions and encryption without storage.</summary>
internal sealed class FakeSecrets(AccountId account) : ISecretsGrain
{
    private readonly Lock _lock = new();
    private readonly EnvelopeVault _vault = new(MasterKeys.Parse(MasterKeys.NewLine("k1"))!);
    private SecretSet _set = new() { Account = account };

    public AccountId Account => account;

    public Task<Answer<SecretView>> CreateAsync(string name, SecretText value, CommandContext context)
    {
        if (_set.Find(name) is null)
        {
            Put(name, value, context);
        }

        return GetAsync(name, context.Account);
    }

    public Task<Answer<SecretView>> RotateAsync(string name, SecretText value, long? ifVersion, CommandContext context)
    {
        if (_set.Find(name) is not null && Sees(context.Account))
        {
            Put(name, value, context);
        }

        return GetAsync(name, context.Account);
    }

    public async Task<Answer<SecretView>> DeleteAsync(string name, CommandContext context)
    {
        var seen = await GetAsync(name, context.Account);
        if (seen.IsOk)
        {
            Write(set => SecretDecisions.Remove(set, name, CauseOf(context)));
        }

        return seen;
    }

    public Task<Answer<SecretView>> GetAsync(string name, AccountId? scope) =>
        Task.FromResult<Answer<SecretView>>(
            _set.Find(name) is { } found && Sees(scope) ? found.ToView(account) : Refusal.NotFound("Secret")
        );

    public Task<ImmutableArray<SecretView>> ListAsync(string afterName, int limit) =>
        Task.FromResult<ImmutableArray<SecretView>>([
            .. _set
                .Secrets.Where(secret => string.CompareOrdinal(secret.Name, afterName) > 0)
                .Take(limit)
                .Select(secret => secret.ToView(account)),
        ]);

    public Task<ImmutableSortedDictionary<string, SealedValue>> ReadSealedAsync(ImmutableArray<string> names) =>
        Task.FromResult(
            _set.Secrets.Where(secret => names.Contains(secret.Name))
                .ToImmutableSortedDictionary(secret => secret.Name, secret => secret.Sealed)
        );

    public Task<int> RewrapAsync() => Task.FromResult(_set.Secrets.Length);

    private bool Sees(AccountId? scope) => scope is null || scope == account;

    private void Put(string name, SecretText value, CommandContext context) =>
        Write(set =>
            SecretDecisions.Put(
                set,
                name,
                _vault.Seal(value.Value, SecretBinding.OfSecret(account, name)),
                CauseOf(context)
            )
        );

    private void Write(Func<SecretSet, SecretSet> change)
    {
        lock (_lock)
        {
            _set = change(_set);
        }
    }

    private static Cause CauseOf(CommandContext context) =>
        new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero), context.RequestId, context.Actor);
}
