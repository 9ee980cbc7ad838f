using System.Reflection;
using Scheduler.Domain.Hosts;
using Scheduler.Domain.Secrets;
using Scheduler.Grains.Hosts;
using Scheduler.Storage.Secrets;

namespace Scheduler.UnitTests.Api;

/// <summary>The real grain of the hosts, with its state in memory and hosts that answer nothing.</summary>
public static class FakeHosts
{
    internal static HostsGrain New(TimeProvider clock, FakeHostProbe? probe = null, ISecretVault? vault = null) =>
        new(
            DispatchProxy.Create<IGrainContext, NoContext>(),
            new MemoryState(),
            vault ?? new EnvelopeVault(MasterKeys.Parse(MasterKeys.NewLine("k1"))!),
            probe ?? new FakeHostProbe(),
            clock
        );

    /// <summary>A grain context that no test uses. It is not sealed, because the proxy derives from it.</summary>
    public class NoContext : DispatchProxy
    {
        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) =>
            throw new NotSupportedException(targetMethod?.Name);
    }

    private sealed class MemoryState : IPersistentState<HostSet>
    {
        public HostSet State { get; set; } = new();

        public string Etag => "";

        public bool RecordExists => true;

        public Task ClearStateAsync() => throw new NotSupportedException();

        public Task WriteStateAsync() => Task.CompletedTask;

        public Task ReadStateAsync() => Task.CompletedTask;
    }
}

internal sealed class FakeHostProbe : IHostProbe
{
    public bool IsEnabled { get; set; } = true;

    public HostStatus Status { get; set; } = new() { Reach = HostReach.Reachable };

    public Task<HostStatus> ReadAsync(JoinedHost host, CancellationToken cancellationToken) => Task.FromResult(Status);
}
