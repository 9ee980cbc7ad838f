using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Scheduler.Domain.Balancers;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Runtimes;
using Scheduler.Grains;
using Scheduler.Grains.Services;

namespace Scheduler.Inference.Serving;

/// <summary>Recently used names, kept fresh (see <see cref="WatchedRecords{TKey, T}"/>).</summary>
/// <remarks>
/// While a grain does not answer, the last known entry stays in use, so the loss of a silo does not stop requests.
/// </remarks>
internal sealed partial class ServingTable : IServingTable, IHostedService, IAsyncDisposable
{
    private readonly IGrainFactory _grains;
    private readonly AccountFirewalls _firewalls;
    private readonly ILogger<ServingTable> _logger;
    private readonly WatchedRecords<(AccountId Account, string Name), Resolved> _names;

    public ServingTable(IGrainFactory grains, TimeProvider clock, ILogger<ServingTable> logger)
    {
        _grains = grains;
        _firewalls = new AccountFirewalls(grains, clock);
        _logger = logger;
        _names = new(ReadAsync, (exception, name) => LogWatchFailed(exception, name.Account, name.Name), clock)
        {
            Capacity = 50_000,
            WatchedFor = TimeSpan.FromMinutes(2),
            KeepsStale = true,
        };
    }

    public async ValueTask<Served?> FindAsync(
        AccountId account,
        string servingName,
        CancellationToken cancellationToken
    ) => (await _names.FindAsync((account, servingName), cancellationToken))?.Served;

    public Task<string?> AccountFirewallAsync(AccountId account, CancellationToken cancellationToken) =>
        _firewalls.FindAsync(account, cancellationToken);

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => _names.StopAsync(cancellationToken);

    public ValueTask DisposeAsync() => _names.DisposeAsync();

    private async Task<Resolved?> ReadAsync(
        (AccountId Account, string Name) name,
        Resolved? known,
        CancellationToken cancellationToken
    )
    {
        switch (known?.Served)
        {
            case ServedInstance instance:
                return await ResolveAsync(
                    name,
                    instance,
                    await _grains
                        .Instance(instance.Id)
                        .WaitForChangeAsync(name.Account, known.Generation, cancellationToken)
                );
            case ServedBalancer { Service: { } service }:
                return Resolve(
                    name.Name,
                    await _grains
                        .Service(service.Id)
                        .WaitForServingAsync(name.Account, known.Generation, cancellationToken)
                );
            case ServedBalancer balancer:
                return Resolve(
                    name.Name,
                    await _grains
                        .Balancer(new BalancerId(balancer.Id))
                        .WaitForChangeAsync(name.Account, known.Generation, cancellationToken)
                );
            default:
                return await _grains.ServingName(name.Account, name.Name).HolderAsync() switch
                {
                    null => null,
                    { IsBalancer: true } holder => Resolve(
                        name.Name,
                        await _grains.Balancer(new BalancerId(holder.Value)).GetAsync(name.Account)
                    ),
                    { IsService: true } holder => Resolve(
                        name.Name,
                        await _grains.Service(new ServiceId(holder.Value)).ServingAsync(name.Account)
                    ),
                    { } holder => await ResolveAsync(
                        name,
                        null,
                        await _grains.Instance(new InstanceId(holder.Value)).GetAsync(name.Account)
                    ),
                };
        }
    }

    private async Task<Resolved?> ResolveAsync(
        (AccountId Account, string Name) name,
        ServedInstance? known,
        Answer<InstanceRecord> answer
    )
    {
        if (!answer.IsOk || !answer.Value.State.HoldsServingName() || name.Name != answer.Value.ServingName)
        {
            return null;
        }

        var served = ToServed(answer.Value);
        if (served.Endpoint is not null && answer.Value.Intent?.RuntimeKey is not null)
        {
            served = served with
            {
                RuntimeKey =
                    known?.Allocation == served.Allocation && known?.RuntimeKey is { } same
                        ? same
                        : await KeyOfAsync(name.Account, served),
            };
        }

        return new Resolved(served, answer.Value.Generation);
    }

    /// <summary>Null when the instance has moved on; the next version of the record is then about to be read.</summary>
    private async Task<RuntimeKey?> KeyOfAsync(AccountId account, ServedInstance served) =>
        (await _grains.Instance(served.Id).ReadRuntimeKeyAsync(account, served.Allocation!.Value)).Value is { } key
            ? new RuntimeKey(key.Value)
            : null;

    private static Resolved? Resolve(string name, Answer<BalancerRecord> answer) =>
        answer.IsOk && answer.Value.IsLive && name == answer.Value.ServingName
            ? new Resolved(ToServed(answer.Value), answer.Value.Generation)
            : null;

    private static Resolved? Resolve(string name, Answer<ServiceServing> answer) =>
        answer.IsOk && name == answer.Value.ServingName
            ? new Resolved(ToServed(answer.Value), answer.Value.Version)
            : null;

    internal static ServedBalancer ToServed(ServiceServing service)
    {
        var spec = service.ToBalancerSpec();
        return new ServedBalancer(service.Account, service.ServingName, service.Firewall)
        {
            Id = service.Id.Value,
            Generation = service.Version,
            Spec = spec,
            Destinations = spec.Destinations,
            CreatedAt = service.CreatedAt,
            Service = service,
        };
    }

    internal static ServedBalancer ToServed(BalancerRecord record) =>
        new(record.Account, record.ServingName, record.Spec.Firewall)
        {
            Id = record.Id.Value,
            Generation = record.Generation,
            Spec = record.Spec,
            Destinations = record.Spec.Destinations,
            CreatedAt = record.CreatedAt,
        };

    internal static ServedInstance ToServed(InstanceRecord record) =>
        new(record.Account, record.ServingName, record.Firewall)
        {
            Id = record.Id,
            Run = record.Run,
            State = record.State,
            Endpoint = record.Allocation?.Endpoint,
            Allocation = record.Allocation?.Key,
            ContextTokens = record.Spec.ContextTokens,
            SequencesAtOnce = record.Spec.SequencesAtOnce,
            Tokenizer = record.Allocation?.Tokenizer,
            Failure = record.State == InstanceState.Failed ? record.Failure : null,
            CreatedAt = record.CreatedAt,
        };

    [LoggerMessage(3302, LogLevel.Warning, "Cannot refresh serving name '{Name}' of {Account}; using the cached entry")]
    private partial void LogWatchFailed(Exception exception, AccountId account, string name);

    /// <param name="Generation">Of the record that <paramref name="Served"/> was read from.</param>
    private sealed record Resolved(Served Served, long Generation);
}
