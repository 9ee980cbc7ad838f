using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;
using Scheduler.Providers;
using Scheduler.Providers.Http;
using Xunit;

namespace Scheduler.ProviderTests.Http;

/// <summary>One vendor, one journal, and any number of silos that share both.</summary>
internal sealed class FenceWorld : IDisposable
{
    internal const string Cluster = "cluster-a";

    internal static readonly AllocationKey Key = new("i-one-r1-a1");

    private readonly List<FencedAllocations> _silos = [];

    internal FenceWorld()
    {
        Vendor = new FakeRental(Clock);
        Options = new TestVendorOptions
        {
            Id = "fake",
            CreateTimeout = TimeSpan.FromSeconds(20),
            Settle = TimeSpan.FromSeconds(30),
            ListFor = TimeSpan.FromSeconds(2),
        };
    }

    internal FakeTimeProvider Clock { get; } = new(new DateTimeOffset(2026, 11, 30, 12, 0, 0, TimeSpan.Zero));

    internal InMemoryAllocationJournal Journal { get; } = new();

    internal FakeRental Vendor { get; }

    internal TestVendorOptions Options { get; }

    internal static AllocationRequest Request(AllocationKey? key = null) =>
        new(
            key ?? Key,
            new AllocationTag(Cluster, new InstanceId("i-one")),
            new Offer(new ProviderId("fake"), "o", "r", "H100", 1, CapacityTier.Standard, false, MicroEuro.Zero, 1),
            new RuntimeSpec()
        );

    /// <summary>Starts another silo, or the same one again after a crash.</summary>
    internal FencedAllocations Silo(IAllocationJournal? journal = null)
    {
        var probe = new RuntimeProbe(new NoHttp(), Options.Probing, Clock);
        var silo = new FencedAllocations(Vendor, journal ?? Journal, Options, probe, Clock, NullLogger.Instance);
        _silos.Add(silo);
        return silo;
    }

    /// <summary>Lets time pass until a task ends.</summary>
    internal async Task<T> EndOf<T>(Task<T> task)
    {
        await PassUntilAsync(() => task.IsCompleted);
        return await task;
    }

    internal async Task PassUntilAsync(Func<bool> isOver)
    {
        for (var i = 0; !isOver(); i++)
        {
            Assert.True(i < 2000, "It never ended.");
            await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, TestContext.Current.CancellationToken);
            Clock.Advance(TimeSpan.FromSeconds(1));
        }
    }

    internal async Task<AllocationEntry?> EntryAsync(AllocationKey? key = null) =>
        await Journal.FindAsync(new ProviderId("fake"), key ?? Key, TestContext.Current.CancellationToken);

    public void Dispose() => _silos.ForEach(silo => silo.Dispose());

    private sealed class NoHttp : IHttpClientFactory
    {
        public HttpClient CreateClient(string name) => throw new NotSupportedException();
    }
}

internal sealed class TestVendorOptions : VendorOptions;
