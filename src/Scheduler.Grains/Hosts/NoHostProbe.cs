using Scheduler.Domain.Hosts;

namespace Scheduler.Grains.Hosts;

/// <summary>The probe of a scheduler that calls no hosts.</summary>
internal sealed class NoHostProbe : IHostProbe
{
    internal const string Advice =
        "Launches on hosts are off: set Providers:Worker:Enabled to true and restart the scheduler.";

    public bool IsEnabled => false;

    public Task<HostStatus> ReadAsync(JoinedHost host, CancellationToken cancellationToken) =>
        Task.FromResult(new HostStatus { Reach = HostReach.Silent, Problem = Advice });
}
