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

    /// <summary>The accounts that have a provider of their own.</summary>
    public IEnumerable<AccountId> AccountsWithOwn => _byId.Values.SelectMany(provider => provider.OnlyFor).Distinct();

    /// <summary>The providers that every account may use.</summary>
    public IEnumerable<ProviderId> OpenToAll => Ids.Where(id => _byId[id].OnlyFor.Count == 0);

    /// <summary>The providers that an account may use and see.</summary>
    /// <param name="account">Null for operators, who see all.</param>
    public IEnumerable<ProviderId> OpenTo(AccountId? account) => Ids.Where(id => IsOpenTo(id, account));

    /// <inheritdoc cref="OpenTo"/>
    public bool IsOpenTo(ProviderId id, AccountId? account) =>
        account is not { } caller
        || !_byId.TryGetValue(id, out var provider)
        || provider.OnlyFor is not { Count: > 0 } only
        || only.Contains(caller);

    /// <summary>The adapter of a provider; null when it is no longer configured.</summary>
    public IProvider? Find(ProviderId id) => _byId.GetValueOrDefault(id);
}
