using System.Collections.Frozen;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Providers;
using Scheduler.Grains.Telemetry;

namespace Scheduler.Grains.Providers;

internal sealed class ProviderDirectory(IEnumerable<IProvider> providers, SchedulerMetrics metrics, TimeProvider clock)
{
    private readonly FrozenDictionary<ProviderId, MeasuredProvider> _byId = providers.ToFrozenDictionary(
        provider => provider.Id,
        provider => new MeasuredProvider(provider, metrics, clock)
    );

    public IEnumerable<ProviderId> Ids => _byId.Keys;

    /// <summary>Names of the runtime presets that any provider can start.</summary>
    public IEnumerable<string> Presets => _byId.Values.SelectMany(provider => provider.Presets);

    /// <summary>The adapter of a provider; null when it is no longer configured.</summary>
    public IProvider? Find(ProviderId id) => _byId.GetValueOrDefault(id);
}
