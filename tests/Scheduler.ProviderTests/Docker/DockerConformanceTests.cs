using Scheduler.Domain.Providers;

namespace Scheduler.ProviderTests.Docker;

/// <summary>The provider contract on a played engine. A restart is a second adapter over the same engine and journal.</summary>
public sealed class DockerConformanceTests : ProviderConformance
{
    private readonly DockerHost _host = DockerHost.StartAsync().GetAwaiter().GetResult();

    protected override IProvider Open() => _host.Open();

    protected override AllocationRequest Request(string key, RuntimeBehaviour behaviour, string cluster = Cluster) =>
        DockerHost.Request(key, ModeOf(behaviour), cluster: cluster);

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _host.DisposeAsync();
    }

    internal static string ModeOf(RuntimeBehaviour behaviour) =>
        behaviour switch
        {
            RuntimeBehaviour.Serves => "serves",
            RuntimeBehaviour.NeverReady => "never-ready",
            RuntimeBehaviour.OomAtLoad => "oom-at-load",
            RuntimeBehaviour.ModelLoadError => "model-load-error",
            RuntimeBehaviour.Exits => "exits",
            _ => throw new ArgumentOutOfRangeException(nameof(behaviour)),
        };
}
