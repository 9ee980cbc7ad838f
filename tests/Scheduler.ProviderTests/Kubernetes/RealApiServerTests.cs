using System.Globalization;
using System.Reflection;
using k8s;
using k8s.Models;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Scheduler.Domain.Providers;
using Scheduler.ModelFit;
using Scheduler.Providers.Kubernetes;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.ProviderTests.Kubernetes;

/// <summary>
/// The provider contract on a real API server and a real scheduler, of Kubernetes 1.20. The nodes and their kubelets are those of the
/// stand-in. The scheduler has the rights that the manifests of <c>deploy</c> give it, and no others. <c>build-control-plane.sh</c> of <c>Scheduler.VendorServers</c> builds the programs;
/// <c>SCHEDULER_CONTROL_PLANE</c> names the folder with them.
/// </summary>
public sealed class RealApiServerTests
{
    [Fact(Explicit = true)]
    public async Task The_contract_holds_on_a_real_API_server()
    {
        var binaries = Environment.GetEnvironmentVariable("SCHEDULER_CONTROL_PLANE");
        Assert.SkipWhen(string.IsNullOrEmpty(binaries), "SCHEDULER_CONTROL_PLANE names no folder with a control plane");
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var plane = await ControlPlane.StartAsync(binaries, cancellationToken);
        plane.Kubelets.AddNode("gpu-1", "NVIDIA-H100-80GB-HBM3", 81559, 2, "eu-1");
        plane.Kubelets.AddNode("gpu-2", "NVIDIA-H100-80GB-HBM3", 81559, 1, "eu-1");
        using var admin = new k8s.Kubernetes(KubernetesClientConfiguration.BuildConfigFromConfigFile(plane.KubeConfig));
        await GrantAsync(admin, null, cancellationToken);
        var failures = new List<string>();
        var passed = 0;
        foreach (var (name, run) in Cases(plane, admin))
        {
            if (await Record.ExceptionAsync(run) is { } exception)
            {
                failures.Add($"{name}: {exception.GetBaseException()}");
            }
            else
            {
                passed++;
            }
        }

        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{passed} passed on {plane.Address}; errors of kubelets: {string.Join("; ", plane.Kubelets.Errors)}"
        );
        Assert.True(failures.Count == 0, string.Join("\n\n", failures));
        Assert.True(passed >= 20, $"only {passed} cases ran");
    }

    /// <summary>Every test of the conformance suite, each with a namespace of its own.</summary>
    private static IEnumerable<(string Name, Func<Task> Run)> Cases(ControlPlane plane, k8s.Kubernetes admin)
    {
        var number = 0;
        foreach (
            var method in typeof(ProviderConformance)
                .GetMethods()
                .Where(method => method.GetCustomAttribute<FactAttribute>() is not null)
        )
        {
            var rows = method.GetCustomAttributes<InlineDataAttribute>().Select(row => row.Data).DefaultIfEmpty([]);
            foreach (var row in rows)
            {
                var ns = string.Create(CultureInfo.InvariantCulture, $"case-{++number}");
                yield return (
                    $"{method.Name}({string.Join(", ", row)})",
                    async () =>
                    {
                        plane.Kubelets.AddNamespace(ns);
                        await GrantAsync(admin, ns, CancellationToken.None);
                        var suite = new OnRealApiServer(plane, ns);
                        await suite.InitializeAsync();
                        try
                        {
                            await (Task)method.Invoke(suite, row)!;
                        }
                        finally
                        {
                            await suite.DisposeAsync();
                        }
                    }
                );
            }
        }
    }

    /// <summary>Gives the scheduler the rights that the manifests give it: those of the cluster, or those in a namespace.</summary>
    private static async Task GrantAsync(k8s.Kubernetes admin, string? ns, CancellationToken cancellationToken)
    {
        var file = Repository.Path("deploy/kubernetes/runtimes/rights.yaml");
        var rbac = admin.RbacAuthorizationV1;
        foreach (var item in await KubernetesYaml.LoadAllFromFileAsync(file))
        {
            await (
                (ns, item) switch
                {
                    (null, V1ClusterRole role) => rbac.CreateClusterRoleAsync(
                        role,
                        cancellationToken: cancellationToken
                    ),
                    (null, V1ClusterRoleBinding binding) => rbac.CreateClusterRoleBindingAsync(
                        binding,
                        cancellationToken: cancellationToken
                    ),
                    ({ } there, V1Role role) => rbac.CreateNamespacedRoleAsync(
                        In(there, role),
                        there,
                        cancellationToken: cancellationToken
                    ),
                    ({ } there, V1RoleBinding binding) => rbac.CreateNamespacedRoleBindingAsync(
                        In(there, binding),
                        there,
                        cancellationToken: cancellationToken
                    ),
                    _ => Task.CompletedTask,
                }
            );
        }
    }

    private static T In<T>(string ns, T item)
        where T : IMetadata<V1ObjectMeta>
    {
        item.Metadata.NamespaceProperty = ns;
        return item;
    }

    private sealed class OnRealApiServer(ControlPlane plane, string ns) : ProviderConformance
    {
        private readonly ServiceProvider _services = new ServiceCollection().AddHttpClient().BuildServiceProvider();

        protected override IProvider Open()
        {
            var options = new KubernetesOptions
            {
                Enabled = true,
                KubeConfig = plane.SchedulerKubeConfig,
                Namespace = ns,
                Prices = { ["H100-80GB-SXM"] = 2.5m },
                PollEvery = TimeSpan.FromMilliseconds(50),
                ProbeEvery = TimeSpan.FromMilliseconds(50),
                StopGrace = TimeSpan.FromSeconds(1),
            };
            return new KubernetesProvider(
                options,
                new KubernetesClient(options, TimeProvider.System),
                (gpu, gib, type) => GpuCatalogue.Shipped.Resolve(gpu, gib, type)?.Name,
                _services.GetRequiredService<IHttpClientFactory>(),
                TimeProvider.System,
                NullLogger<KubernetesProvider>.Instance
            );
        }

        protected override AllocationRequest Request(
            string key,
            RuntimeBehaviour behaviour,
            string cluster = Cluster
        ) => KubernetesProviderTests.RequestOf(key, behaviour, cluster);

        public override async ValueTask DisposeAsync()
        {
            await base.DisposeAsync();
            await _services.DisposeAsync();
        }
    }
}
