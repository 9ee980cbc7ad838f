using Scheduler.Domain.Ids;
using Scheduler.Domain.Keys;

namespace Scheduler.Grains.Keys;

/// <summary>Commands and queries on a key that a caller names.</summary>
public static class OwnKeys
{
    /// <summary>
    /// Calls the key's grain only if the key belongs to the account. So the work, and with it the time, is the same for a key of another
    /// account and for one that does not exist (INV-08): a grain that exists would answer from memory, any other reads the store first.
    /// </summary>
    /// <param name="account">Null for an operator, who may see all.</param>
    public static async Task<Answer<KeyRecord>> OwnKeyAsync(
        this IGrainFactory grains,
        AccountId? account,
        string keyId,
        Func<IKeyGrain, Task<Answer<KeyRecord>>> call
    ) =>
        account is not { } owner || await grains.Fleet().HasKeyAsync(owner, keyId)
            ? await call(grains.Key(keyId))
            : Refusal.NotFound(keyId);
}
