using System.Collections.Immutable;

namespace Scheduler.Domain.Billing;

/// <summary>The things whose number is limited per account. The names are public: never renamed.</summary>
public enum Quota
{
    Instances = 1,
    Models = 2,

    /// <summary>Bytes that the records of its registered models take in the store.</summary>
    ModelBytes = 3,

    /// <summary>Keys that are not revoked.</summary>
    Keys = 4,
    Firewalls = 5,
    Balancers = 6,
    Schedules = 7,
    Secrets = 8,
    Services = 9,
}

/// <summary>The public names of quotas: lower snake case.</summary>
public static class QuotaNames
{
    public static readonly ImmutableArray<Quota> All = [.. Enum.GetValues<Quota>()];

    public static string WireName(this Quota quota) =>
        quota switch
        {
            Quota.Instances => "instances",
            Quota.Models => "models",
            Quota.ModelBytes => "model_bytes",
            Quota.Keys => "keys",
            Quota.Firewalls => "firewalls",
            Quota.Balancers => "balancers",
            Quota.Schedules => "schedules",
            Quota.Secrets => "secrets",
            Quota.Services => "services",
            _ => throw new System.Diagnostics.UnreachableException(),
        };

    /// <summary>The quota of a public name; null for an unknown name.</summary>
    public static Quota? Find(string name)
    {
        var index = All.IndexOf(
            All.FirstOrDefault(quota => string.Equals(quota.WireName(), name, StringComparison.Ordinal))
        );
        return index < 0 ? null : All[index];
    }
}
