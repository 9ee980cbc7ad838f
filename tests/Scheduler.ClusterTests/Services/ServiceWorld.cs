using System.Collections.Immutable;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Services;
using Scheduler.Grains;
using Scheduler.Grains.Services;
using Scheduler.TestKit;
using Xunit;
using static Scheduler.TestKit.TestScheduler;

namespace Scheduler.ClusterTests.Services;

/// <summary>One service of a test, with the load that its gateway reports.</summary>
internal sealed class ServiceWorld(TestScheduler scheduler, AccountId account, string suffix = "aaaaaaaaaaaaaaaaaaaa")
{
    private long _reports;

    public ServiceId Id { get; } = new($"svc-{suffix}");

    public AccountId Account => account;

    public IServiceGrain Grain => scheduler.Grains.Service(Id);

    public static ServiceSpec Spec(int least = 2, int? most = null) =>
        new()
        {
            Template = Make.Spec(),
            MinReplicas = least,
            MaxReplicas = most,
        };

    public Task<Answer<ServiceRecord>> TryCreateAsync(ServiceSpec spec, string name = "chat") =>
        Grain.CreateAsync(
            new CreateService(account, name, spec, ImmutableSortedDictionary<string, string>.Empty),
            scheduler.As(account)
        );

    public async Task<ServiceRecord> CreateAsync(ServiceSpec spec, string name = "chat") =>
        Good(await TryCreateAsync(spec, name));

    public async Task<ServiceRecord> SeeAsync() => Good(await Grain.GetAsync(null));

    public async Task<ServiceRecord> UpdateAsync(Func<ServiceSpec, ServiceSpec> change) =>
        Good(await Grain.UpdateAsync(new UpdateService(change((await SeeAsync()).Spec), null), scheduler.As(account)));

    public async Task<ServiceRecord> DeleteAsync() => Good(await Grain.DeleteAsync(scheduler.As(account)));

    /// <summary>Reports one load, then lets time pass in seconds with the same load.</summary>
    public async Task LoadAsync(int outstanding, int held, int seconds)
    {
        for (var i = 0; i < seconds; i++)
        {
            await Grain.ReportLoadAsync(
                new LoadReport
                {
                    Gateway = "gateway-test",
                    Sequence = ++_reports,
                    Outstanding = outstanding,
                    Held = held,
                }
            );
            await Task.Delay(2, TestContext.Current.CancellationToken);
            scheduler.Clock.Advance(TimeSpan.FromSeconds(1));
        }
    }

    /// <summary>Waits while time passes.</summary>
    public async Task<ServiceRecord> UntilAsync(Func<ServiceRecord, bool> isSo, string what, TimeSpan? step = null)
    {
        try
        {
            return await Eventually.UntilAsync(
                SeeAgainAsync,
                isSo,
                what,
                scheduler.Clock,
                step ?? TimeSpan.FromSeconds(1)
            );
        }
        catch (TimeoutException late)
        {
            var record = await SeeAsync();
            throw new TimeoutException(
                $"Still not: {what}. {record.Scaling} {string.Join("; ", record.Replicas)}\n{string.Join("\n", await EventsAsync())}",
                late
            );
        }
    }

    /// <summary>Waits until exactly as many replicas of the target revision as wanted serve, and no other is left.</summary>
    public Task<ServiceRecord> SettledAsync(int replicas) =>
        UntilAsync(
            record =>
                record.Scaling.Wanted == replicas
                && record.Replicas.Length == replicas
                && record.Ready == replicas
                && record.Replicas.All(replica => replica.Revision == record.Revision),
            $"{replicas} replicas of the target revision serve and no other is left"
        );

    public Task<ServiceRecord> GoneAsync() => UntilAsync(record => !record.IsLive, "the service is deleted");

    /// <summary>All instances that say that they belong to the service, with tombstones.</summary>
    public async Task<ImmutableArray<InstanceRecord>> InstancesAsync()
    {
        var page = await scheduler
            .Grains.Fleet()
            .ListInstancesAsync(
                new InstanceQuery
                {
                    Account = account,
                    States = [.. Enum.GetValues<InstanceState>()],
                    Limit = 1000,
                }
            );
        return [.. page.Instances.Where(one => one.Labels.GetValueOrDefault("service") == Id.Value)];
    }

    public async Task<ImmutableArray<string>> EventsAsync() =>
        [.. Good(await Grain.TimelineAsync(null, 0, 1000)).Events.Select(e => $"{e.Trigger}: {e.Reason}")];

    private async Task<ServiceRecord> SeeAgainAsync()
    {
        try
        {
            return await SeeAsync();
        }
        catch (Exception exception)
            when (exception is TimeoutException or OrleansException or InvalidOperationException)
        {
            // A silo is starting or stopping, or the step under test fails; the call is repeated.
            return new ServiceRecord();
        }
    }
}
