using System.Collections.Frozen;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;
using Scheduler.Grains.Telemetry;

namespace Scheduler.Grains.Providers;

internal sealed class ProviderDirectory(IEnumerable<IProvider> providers, SchedulerMetrics metrics, TimeProvider clock)
{
    private readonly FrozenDictionary<ProviderId, MeasuredProvider> _byId = providers.ToFrozenDictionary(
        provider => provider.Id,
        provider => new MeasuredProvider(provider, metrics, clock)
    );

    public IEnumerable<ProviderId> Ids => _byId.Keys;

    /// <summary>The runtime presets that any provider can start.</summary>
    public IEnumerable<RuntimePreset> Presets => _byId.Values.SelectMany(provider => provider.Presets);

    /// <summary>Options that providers read themselves.</summary>
    public IEnumerable<string> OwnOptions => _byId.Values.SelectMany(provider => provider.OwnOptions);

    /// <summary>The adapter of a provider; null when it is no longer configured.</summary>
    public IProvider? Find(ProviderId id) => _byId.GetValueOrDefault(id);
}
