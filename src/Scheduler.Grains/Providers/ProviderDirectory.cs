using System.Collections.Frozen;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Providers;
using Scheduler.Grains.Telemetry;

namespace Scheduler.Grains.Providers;

/// <summary>The configured providers, by id.</summary>
/// <param name="providers">All adapters.</param>
/// <param name="metrics">Where their calls are counted.</param>
/// <param name="clock">Times them.</param>
internal sealed class ProviderDirectory(IEnumerable<IProvider> providers, SchedulerMetrics metrics, TimeProvider clock)
{
    private readonly FrozenDictionary<ProviderId, MeasuredProvider> _byId = providers.ToFrozenDictionary(
        provider => provider.Id,
        provider => new MeasuredProvider(provider, metrics, clock)
    );

    /// <summary>Every configured provider.</summary>
    public IEnumerable<ProviderId> Ids => _byId.Keys;

    /// <summary>The adapter of a provider, or null when it is configured no longer.</summary>
    public IProvider? Find(ProviderId id) => _byId.GetValueOrDefault(id);
}
