using System.Collections.Frozen;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Providers;

namespace Scheduler.Grains.Providers;

/// <summary>The configured providers, by id.</summary>
/// <param name="providers">All adapters.</param>
internal sealed class ProviderDirectory(IEnumerable<IProvider> providers)
{
    private readonly FrozenDictionary<ProviderId, IProvider> _byId = providers.ToFrozenDictionary(p => p.Id);

    /// <summary>Every configured provider.</summary>
    public IEnumerable<ProviderId> Ids => _byId.Keys;

    /// <summary>The adapter of a provider, or null when it is configured no longer.</summary>
    public IProvider? Find(ProviderId id) => _byId.GetValueOrDefault(id);
}
