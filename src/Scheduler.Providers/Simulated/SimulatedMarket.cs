using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;

namespace Scheduler.Providers.Simulated;

/// <summary>
/// The whole simulated market: its offers, its faults and its cloud. Each vendor of the data is a provider of its own
/// (<see cref="Provider"/>), all served from here.
/// </summary>
internal sealed partial class SimulatedMarket : IDisposable
{
    /// <summary>Stands where no runtime is served: the name never resolves (RFC 6761).</summary>
    private static readonly Uri NoRuntime = new("http://simulated.invalid/");

    private readonly Dictionary<ProviderId, SimulatedProvider> _providers = [];
    private readonly SimulatedBehaviour _manners;
    private readonly ImmutableArray<SimulatedFault> _configured;
    private readonly ILogger _log;
    private ImmutableArray<SimulatedFault> _rules;

    internal SimulatedMarket(
        SimulatedOptions options,
        GpuNameResolver resolver,
        TimeProvider clock,
        ILogger<SimulatedMarket> log,
        IEnumerable<MarketRow?>? rows = null
    )
    {
        Options = options;
        Clock = clock;
        _log = log;
        _manners = SimulatedBehaviour.From(options);
        _configured = [.. options.Faults];
        _rules = _configured;
        Cloud = new SimulatedCloud(options.StatePath);
        Watch = new SimulatedWatch(this);
        AddProviders(rows, resolver);
    }

    internal SimulatedOptions Options { get; }

    internal TimeProvider Clock { get; }

    internal SimulatedCloud Cloud { get; }

    internal SimulatedWatch Watch { get; }

    /// <summary>Where allocations' stand-in runtimes answer; set once the listener is up.</summary>
    internal Uri RuntimeBase { get; set; } = NoRuntime;

    internal IReadOnlyCollection<SimulatedProvider> Providers => _providers.Values;

    /// <summary>One vendor, by its simulated id (<c>sim-lambda</c>).</summary>
    internal SimulatedProvider Provider(string id) => _providers[new ProviderId(id)];

    /// <summary>The ids a market with these options has, without building it.</summary>
    internal static IEnumerable<string> ProviderIds(SimulatedOptions options) =>
        MarketData
            .Vendors(options.GeneratedOffers)
            .Where(vendor => options.Vendors.Count == 0 || options.Vendors.Contains(vendor, StringComparer.Ordinal))
            .Select(vendor => SimulatedMapping.IdPrefix + vendor);

    /// <summary>Puts rules before the configured ones, in place of those set earlier. Concerns requests made from now on.</summary>
    internal void Set(params ReadOnlySpan<SimulatedFault> rules) => _rules = [.. rules, .. _configured];

    /// <summary>Ends a runtime, or takes its capacity back, now.</summary>
    /// <returns>Whether there was a live one.</returns>
    internal bool End(AllocationKey key, SimulatedEnd end)
    {
        var now = Clock.GetUtcNow();
        return Rewrite(
            key,
            record => record with { EndsAt = now, End = end, ReadyAt = record.ReadyAt <= now ? record.ReadyAt : null }
        );
    }

    /// <summary>Makes a runtime answer no longer, without ending.</summary>
    /// <returns>Whether there was a live one.</returns>
    internal bool MakeUnhealthy(AllocationKey key)
    {
        var now = Clock.GetUtcNow();
        return Rewrite(key, record => record with { UnhealthyAt = now });
    }

    /// <summary>Forgets an allocation without being asked: what the sweep calls vanished.</summary>
    /// <returns>Whether there was one.</returns>
    internal bool Vanish(AllocationKey key)
    {
        var now = Clock.GetUtcNow();
        return Rewrite(key, record => record with { GoneAt = now });
    }

    internal SimulatedBehaviour BehaviourFor(Offer offer, AllocationKey key)
    {
        var rules = _rules;
        return rules.IsEmpty ? _manners : _manners.Under(rules, offer, key.Value);
    }

    public void Dispose()
    {
        Watch.Dispose();
        Cloud.Dispose();
    }

    private bool Rewrite(AllocationKey key, Func<SimulatedRecord, SimulatedRecord> change)
    {
        var now = Clock.GetUtcNow();
        var done = false;
        Cloud.Change(
            key.Value,
            default,
            (before, _) =>
            {
                done = before?.IsHeld(now) == true;
                return done ? change(before!) : null;
            }
        );
        return done;
    }

    private void AddProviders(IEnumerable<MarketRow?>? rows, GpuNameResolver resolver)
    {
        foreach (var id in ProviderIds(Options))
        {
            _providers.Add(new ProviderId(id), new SimulatedProvider(new ProviderId(id), this));
        }

        if (rows is not null)
        {
            Fill(rows, resolver);
        }
        else if (Options.GeneratedOffers > 0)
        {
            Fill(MarketData.Generate(Options.GeneratedOffers, Options.Seed), resolver);
        }
        else
        {
            using var csv = MarketData.Embedded();
            Fill(MarketData.Read(csv), resolver);
        }
    }

    private void Fill(IEnumerable<MarketRow?> rows, GpuNameResolver resolver)
    {
        var unreadable = 0;
        foreach (var row in rows)
        {
            if (row is null)
            {
                unreadable++;
            }
            else if (_providers.TryGetValue(new ProviderId(SimulatedMapping.IdPrefix + row.Vendor), out var provider))
            {
                var (offer, skipped) = SimulatedMapping.ToOffer(row, resolver, Options);
                provider.Add(offer, skipped);
            }
        }

        foreach (var provider in _providers.Values)
        {
            // A line that cannot be read names no vendor that could be believed, so every vendor's count shows it.
            provider.Close(unreadable);
            LogFilled(provider.Id, provider.OfferCount, provider.SkippedCount);
        }
    }
}
