using Scheduler.Domain.Ids;

namespace Scheduler.Grains.Secrets;

/// <summary>Keys of the grains of this folder; their prefix is no hexadecimal number (see <see cref="GrainKeys"/>).</summary>
public static class SecretsKeys
{
    internal const string Prefix = "secrets-";

    /// <summary>The grain of an account's secrets.</summary>
    public static ISecretsGrain Secrets(this IGrainFactory grains, AccountId account) =>
        grains.GetGrain<ISecretsGrain>(Prefix + account.Value);

    internal static AccountId AccountOf(string key) => new(key[Prefix.Length..]);
}
