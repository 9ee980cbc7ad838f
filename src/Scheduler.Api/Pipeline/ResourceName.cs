using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Hosts;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Keys;
using Scheduler.Domain.Secrets;
using Scheduler.Edge;

namespace Scheduler.Api.Pipeline;

/// <summary>
/// Parses, checks and formats resource names: <c>accounts/{account}/instances/{instance}</c> and so on.
/// </summary>
internal static class ResourceName
{
    /// <summary>The account id with which an operator means all accounts.</summary>
    public const string AnyAccount = "-";

    public static string Account(AccountId account) => $"accounts/{account}";

    public static string Instance(AccountId account, InstanceId instance) => $"accounts/{account}/instances/{instance}";

    public static string Balancer(AccountId account, BalancerId balancer) => $"accounts/{account}/balancers/{balancer}";

    public static string Service(AccountId account, ServiceId service) => $"accounts/{account}/services/{service}";

    public static string Schedule(AccountId account, InstanceId instance, string schedule) =>
        $"accounts/{account}/instances/{instance}/schedules/{schedule}";

    public static string Key(AccountId? account, string key) =>
        account is { } owner ? $"accounts/{owner}/keys/{key}" : $"operatorKeys/{key}";

    public static string Model(AccountId? account, string model) =>
        account is { } owner ? $"accounts/{owner}/models/{model}" : $"models/{model}";

    public static string Rule(AccountId account, string rule) => $"accounts/{account}/rules/{rule}";

    public static string Firewall(AccountId account, string firewall) => $"accounts/{account}/firewalls/{firewall}";

    public static string Secret(AccountId account, string secret) => $"accounts/{account}/secrets/{secret}";

    public static string Host(string host) => $"hosts/{host}";

    public static string JoinToken(string token) => $"joinTokens/{token}";

    public static string Provider(ProviderId provider) => $"providers/{provider}";

    /// <summary>The account segment of a name; null for a name without one.</summary>
    public static string? AccountOf(string name)
    {
        var parts = name.Split('/');
        return parts.Length >= 2 && string.Equals(parts[0], "accounts", StringComparison.Ordinal) ? parts[1] : null;
    }

    /// <summary>The account of a validated name.</summary>
    public static AccountId ParseAccount(string name) => new(AccountOf(name)!);

    /// <summary>The rest of a validated name after the collection.</summary>
    public static string LastOf(string name, string collection) =>
        name[(name.IndexOf(collection + "/", StringComparison.Ordinal) + collection.Length + 1)..];

    public static InstanceId ParseInstance(string name) => new(LastOf(name, "instances"));

    public static BalancerId ParseBalancer(string name) => new(LastOf(name, "balancers"));

    public static ServiceId ParseService(string name) => new(LastOf(name, "services"));

    /// <summary>The instance of a validated name, which may name a child of the instance.</summary>
    public static InstanceId ParseInstanceAbove(string name) => new(LastOf(name, "instances").Split('/')[0]);

    public static void CheckAccount(this Faults faults, string field, string name, bool mayBeAny = false)
    {
        var parts = name.Split('/');
        if (
            parts is not ["accounts", var account]
            || !(Grammar.IsAccountId(account) || (mayBeAny && account is AnyAccount))
        )
        {
            faults.Add(field, "Must be `accounts/{account}`, the account `acct-` and 1 to 40 of a-z 0-9 -.");
        }
    }

    public static void CheckInstance(this Faults faults, string field, string name)
    {
        if (
            name.Split('/') is not ["accounts", var account, "instances", var instance]
            || !Grammar.IsAccountId(account)
            || !Grammar.IsInstanceId(instance)
        )
        {
            faults.Add(
                field,
                "Must be `accounts/{account}/instances/{instance}`, the instance `i-` and 20 of a-z 2-7."
            );
        }
    }

    public static void CheckBalancer(this Faults faults, string field, string name)
    {
        if (
            name.Split('/') is not ["accounts", var account, "balancers", var balancer]
            || !Grammar.IsAccountId(account)
            || !Grammar.IsBalancerId(balancer)
        )
        {
            faults.Add(
                field,
                "Must be `accounts/{account}/balancers/{balancer}`, the balancer `bal-` and 20 of a-z 2-7."
            );
        }
    }

    public static void CheckService(this Faults faults, string field, string name)
    {
        if (
            name.Split('/') is not ["accounts", var account, "services", var service]
            || !Grammar.IsAccountId(account)
            || !Grammar.IsServiceId(service)
        )
        {
            faults.Add(field, "Must be `accounts/{account}/services/{service}`, the service `svc-` and 20 of a-z 2-7.");
        }
    }

    public static void CheckSchedule(this Faults faults, string field, string name)
    {
        if (
            name.Split('/') is not ["accounts", var account, "instances", var instance, "schedules", var schedule]
            || !Grammar.IsAccountId(account)
            || !Grammar.IsInstanceId(instance)
            || !Grammar.IsScheduleId(schedule)
        )
        {
            faults.Add(
                field,
                "Must be `accounts/{account}/instances/{instance}/schedules/{schedule}`, the instance `i-` and 20 of a-z 2-7, the schedule "
                    + $"{Grammar.ScheduleId}."
            );
        }
    }

    public static void CheckKey(this Faults faults, string field, string name)
    {
        if (
            name.Split('/') is not ["accounts", var account, "keys", var key]
            || !Grammar.IsAccountId(account)
            || !KeyToken.IsKeyId(key)
        )
        {
            faults.Add(field, "Must be `accounts/{account}/keys/{key}`, the key `key-` and 12 of a-z 2-7.");
        }
    }

    public static void CheckOperatorKey(this Faults faults, string field, string name)
    {
        if (name.Split('/') is not ["operatorKeys", var key] || !KeyToken.IsKeyId(key))
        {
            faults.Add(field, "Must be `operatorKeys/{key}`, the key `key-` and 12 of a-z 2-7.");
        }
    }

    public static void CheckModel(this Faults faults, string field, string name)
    {
        if (
            name.Split('/', 4) is not ["accounts", var account, "models", var model]
            || !Grammar.IsAccountId(account)
            || !Grammar.IsModelName(model)
        )
        {
            faults.Add(field, $"Must be `accounts/{{account}}/models/{{model}}`, the model {Grammar.ModelName}.");
        }
    }

    public static void CheckRule(this Faults faults, string field, string name) =>
        faults.CheckSlugged(field, name, "rules", "rule");

    public static void CheckFirewall(this Faults faults, string field, string name) =>
        faults.CheckSlugged(field, name, "firewalls", "firewall");

    public static void CheckProvider(this Faults faults, string field, string name)
    {
        if (name.Split('/') is not ["providers", var provider] || !Grammar.IsProviderId(provider))
        {
            faults.Add(field, "Must be `providers/{provider}`, the provider 1 to 63 of a-z 0-9 -.");
        }
    }

    public static void CheckHost(this Faults faults, string field, string name)
    {
        if (name.Split('/') is not ["hosts", var host] || !HostNames.IsName(host))
        {
            faults.Add(field, $"Must be `hosts/{{host}}`, the host {HostNames.Form}.");
        }
    }

    public static void CheckJoinToken(this Faults faults, string field, string name)
    {
        if (name.Split('/') is not ["joinTokens", var token] || !Domain.Hosts.JoinToken.IsId(token))
        {
            faults.Add(field, "Must be `joinTokens/{token}`, the token 12 of a-z 2-7.");
        }
    }

    public static void CheckSecret(this Faults faults, string field, string name)
    {
        if (
            name.Split('/') is not ["accounts", var account, "secrets", var secret]
            || !Grammar.IsAccountId(account)
            || !SecretValidation.IsName(secret)
        )
        {
            faults.Add(
                field,
                $"Must be `accounts/{{account}}/secrets/{{secret}}`, the secret {SecretValidation.Name}."
            );
        }
    }

    private static void CheckSlugged(this Faults faults, string field, string name, string collection, string word)
    {
        if (
            name.Split('/') is not ["accounts", var account, var of, var slug]
            || !string.Equals(of, collection, StringComparison.Ordinal)
            || !Grammar.IsAccountId(account)
            || !FirewallValidation.IsSlug(slug)
        )
        {
            faults.Add(
                field,
                $"Must be `accounts/{{account}}/{collection}/{{{word}}}`, the {word} {FirewallValidation.Slug}."
            );
        }
    }
}
