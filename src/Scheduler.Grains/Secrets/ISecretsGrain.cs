using System.Collections.Immutable;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Secrets;

namespace Scheduler.Grains.Secrets;

/// <summary>
/// The secrets of one account. Values go in and never come out: launches get them encrypted and decrypt them in their own silo.
/// </summary>
[Alias("scheduler.ISecretsGrain")]
[GrainInterfaceType("scheduler.secrets")]
public interface ISecretsGrain : IGrainWithStringKey
{
    /// <summary>Creates a secret. A repeated create with the same value returns it; with another value it is refused.</summary>
    [Alias("Create")]
    Task<Answer<SecretView>> CreateAsync(string name, SecretText value, CommandContext context);

    /// <summary>Replaces the value of a secret. Runtimes that have started keep the value they got.</summary>
    /// <param name="ifVersion">Refuse unless this is the current version; null for any.</param>
    [Alias("Rotate")]
    Task<Answer<SecretView>> RotateAsync(string name, SecretText value, long? ifVersion, CommandContext context);

    /// <summary>Deletes a secret, also one that specs name: their next start is refused.</summary>
    [Alias("Delete")]
    Task<Answer<SecretView>> DeleteAsync(string name, CommandContext context);

    [Alias("Get"), AlwaysInterleave]
    Task<Answer<SecretView>> GetAsync(string name, AccountId? account);

    /// <summary>In order of name.</summary>
    [Alias("List"), AlwaysInterleave]
    Task<ImmutableArray<SecretView>> ListAsync(string afterName, int limit);

    /// <summary>The encrypted values of those that exist, for a launch of the account.</summary>
    [Alias("ReadSealed"), AlwaysInterleave]
    Task<ImmutableSortedDictionary<string, SealedValue>> ReadSealedAsync(ImmutableArray<string> names);

    /// <summary>Encrypts all under the first master key. Returns how many were changed.</summary>
    [Alias("Rewrap")]
    Task<int> RewrapAsync();
}
