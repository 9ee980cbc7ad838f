using Scheduler.Domain.Ids;
using Scheduler.Grains.Balancers;
using Scheduler.Grains.Billing;
using Scheduler.Grains.Health;
using Scheduler.Grains.Hosts;
using Scheduler.Grains.Instances;
using Scheduler.Grains.Keys;
using Scheduler.Grains.Models;
using Scheduler.Grains.Providers;
using Scheduler.Grains.Queries;
using Scheduler.Grains.Requests;
using Scheduler.Grains.Schedules;
using Scheduler.Grains.Services;

namespace Scheduler.Grains;

/// <summary>
/// Keys of all grains. Each begins with a prefix that is not a hexadecimal number: the AdoNet grain storage parses
/// hexadecimal string keys as numbers and would treat <c>ABC</c> and <c>0abc</c> as one key.
/// </summary>
public static class GrainKeys
{
    internal const string UsagePrefix = "usage-";

    private const string QuotaPrefix = "quota-";

    private const string SchedulesPrefix = "schedules-";

    public static IInstanceGrain Instance(this IGrainFactory grains, InstanceId id) =>
        grains.Of<IInstanceGrain>(id.Value);

    public static IAccountGrain Account(this IGrainFactory grains, AccountId id) => grains.Of<IAccountGrain>(id.Value);

    /// <summary>The grain that decides the quotas of an account.</summary>
    public static IQuotaGrain Quota(this IGrainFactory grains, AccountId account) =>
        grains.Of<IQuotaGrain>(QuotaPrefix + account.Value);

    internal static AccountId AccountOfQuota(string key) => new(key[QuotaPrefix.Length..]);

    /// <summary>The grain of an API key, by its public half (<c>key-…</c>).</summary>
    public static IKeyGrain Key(this IGrainFactory grains, string keyId) => grains.Of<IKeyGrain>(keyId);

    public static IProviderGrain Provider(this IGrainFactory grains, ProviderId id) =>
        grains.Of<IProviderGrain>($"provider-{id.Value}");

    /// <summary>The grain that assigns a serving name of an account.</summary>
    public static IServingNameGrain ServingName(this IGrainFactory grains, AccountId account, string name) =>
        grains.Of<IServingNameGrain>($"name-{account.Value}/{name}");

    public static IUsageGrain Usage(this IGrainFactory grains, InstanceId id) =>
        grains.Of<IUsageGrain>(UsagePrefix + id.Value);

    /// <summary>The usage of an API key, by its public half.</summary>
    public static IUsageGrain KeyUsage(this IGrainFactory grains, string keyId) =>
        grains.Of<IUsageGrain>(UsagePrefix + keyId);

    public static IModelGrain Model(this IGrainFactory grains, AccountId account, string name) =>
        grains.Of<IModelGrain>($"model-{account.Value}/{name}");

    /// <summary>What the starts of a model in an account showed.</summary>
    public static IModelMemoryGrain ModelMemory(this IGrainFactory grains, AccountId account, string name) =>
        grains.Of<IModelMemoryGrain>($"model-memory-{account.Value}/{name}");

    public static IScheduleGrain Schedules(this IGrainFactory grains, InstanceId instance) =>
        grains.Of<IScheduleGrain>(SchedulesPrefix + instance.Value);

    public static InstanceId InstanceOfSchedules(string key) => new(key[SchedulesPrefix.Length..]);

    public static IBalancerGrain Balancer(this IGrainFactory grains, BalancerId id) =>
        grains.Of<IBalancerGrain>(id.Value);

    public static IServiceGrain Service(this IGrainFactory grains, ServiceId id) => grains.Of<IServiceGrain>(id.Value);

    /// <summary>Imports models from the hub; a few at a time in each silo.</summary>
    public static IModelImportGrain ModelImport(this IGrainFactory grains) =>
        grains.Of<IModelImportGrain>("model-import");

    /// <summary>The grain of all hosts that joined.</summary>
    public static IHostsGrain Hosts(this IGrainFactory grains) => grains.Of<IHostsGrain>("hosts");

    public static IFleetGrain Fleet(this IGrainFactory grains) => grains.Of<IFleetGrain>("fleet");

    public static IRequestLogGrain RequestLog(this IGrainFactory grains) => grains.Of<IRequestLogGrain>("requests");

    public static IHealthGrain Health(this IGrainFactory grains) => grains.Of<IHealthGrain>("health");

    private static T Of<T>(this IGrainFactory grains, string key)
        where T : IGrainWithStringKey => grains.GetGrain<T>(key);
}
