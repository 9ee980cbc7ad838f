using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Providers;

namespace Scheduler.Providers.Simulated;

/// <summary>
/// The simulated market: offers, fault rules and the cloud. Each vendor of the data is a separate provider
/// (<see cref="Provider"/>) of this market.
/// </summary>
internal sealed partial class SimulatedMarket : IDisposable
{
    /// <summary>Used if no runtime is served: the name never resolves (RFC 6761).</summary>
    private static readonly Uri NoRuntime = new("http://simulated.invalid/");

    private readonly Dictionary<ProviderId, SimulatedProvider> _providers = [];
    private readonly SimulatedBehaviour _behaviour;
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
        _behaviour = SimulatedBehaviour.From(options);
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

    /// <summary>Base address of the stand-in runtimes; set when the listener has started.</summary>
    internal Uri RuntimeBase { get; set; } = NoRuntime;

    internal IReadOnlyCollection<SimulatedProvider> Providers => _providers.Values;

    /// <param name="id">With the prefix, for example <c>sim-lambda</c>.</param>
    internal SimulatedProvider Provider(string id) => _providers[new ProviderId(id)];

    internal static IEnumerable<string> ProviderIds(SimulatedOptions options) =>
        MarketData
            .Vendors(options.GeneratedOffers)
            .Where(vendor => options.Vendors.Count == 0 || options.Vendors.Contains(vendor, StringComparer.Ordinal))
            .Select(vendor => SimulatedMapping.IdPrefix + vendor);

    /// <summary>Replaces the rules that precede the configured ones. Affects only later requests.</summary>
    internal void Set(params ReadOnlySpan<SimulatedFault> rules) => _rules = [.. rules, .. _configured];

    /// <summary>Ends a runtime, or reclaims its capacity, now.</summary>
    /// <returns>Whether the allocation was held.</returns>
    internal bool End(AllocationKey key, SimulatedEnd end)
    {
        var now = Clock.GetUtcNow();
        return Rewrite(
            key,
            record => record with { EndsAt = now, End = end, ReadyAt = record.ReadyAt <= now ? record.ReadyAt : null }
        );
    }

    /// <summary>Makes a runtime stop answering without exiting.</summary>
    /// <returns>Whether the allocation was held.</returns>
    internal bool MakeUnhealthy(AllocationKey key)
    {
        var now = Clock.GetUtcNow();
        return Rewrite(key, record => record with { UnhealthyAt = now });
    }

    /// <summary>Removes an allocation without a release request; the sweep reports it as vanished.</summary>
    /// <returns>Whether the allocation was held.</returns>
    internal bool Vanish(AllocationKey key)
    {
        var now = Clock.GetUtcNow();
        return Rewrite(key, record => record with { GoneAt = now });
    }

    internal SimulatedBehaviour BehaviourFor(AllocationRequest request)
    {
        var rules = _rules;
        var behaviour = rules.IsEmpty ? _behaviour : _behaviour.Under(rules, request);
        return
            behaviour.EndAtLoad == SimulatedEnd.None
            && SimulatedMemory.IsExceeded(request.Runtime, request.Offer, behaviour.CacheFactor)
            ? behaviour with
            {
                EndAtLoad = SimulatedEnd.OutOfMemory,
            }
            : behaviour;
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
            // An unreadable line has no reliable vendor, so every vendor counts it.
            provider.Close(unreadable);
            LogFilled(provider.Id, provider.OfferCount, provider.SkippedCount);
        }
    }
}
