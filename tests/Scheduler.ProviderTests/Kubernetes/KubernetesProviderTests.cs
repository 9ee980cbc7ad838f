using Scheduler.Domain.Providers;

namespace Scheduler.ProviderTests.Kubernetes;

/// <summary>The provider contract on a cluster of one process.</summary>
public sealed class KubernetesProviderTests : ProviderConformance
{
    private readonly KubernetesWorld _world = KubernetesWorld.StartAsync(Ct).GetAwaiter().GetResult();

    protected override IProvider Open() => _world.Open();

    protected override AllocationRequest Request(string key, RuntimeBehaviour behaviour, string cluster = Cluster) =>
        RequestOf(key, behaviour, cluster);

    internal static AllocationRequest RequestOf(string key, RuntimeBehaviour behaviour, string cluster) =>
        KubernetesWorld.Request(
            key,
            behaviour switch
            {
                RuntimeBehaviour.Serves => "serves",
                RuntimeBehaviour.NeverReady => "never-ready",
                RuntimeBehaviour.OomAtLoad => "oom-at-load",
                RuntimeBehaviour.ModelLoadError => "model-load-error",
                RuntimeBehaviour.Exits => "exits",
                _ => throw new ArgumentOutOfRangeException(nameof(behaviour)),
            },
            cluster
        );

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _world.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}
