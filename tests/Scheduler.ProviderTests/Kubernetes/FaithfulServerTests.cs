using System.Text.Json;
using k8s;
using k8s.Autorest;
using k8s.Models;
using Xunit;

namespace Scheduler.ProviderTests.Kubernetes;

/// <summary>The stand-in gives the same answers as a real API server to what the adapter asks.</summary>
public sealed class FaithfulServerTests
{
    private const string Ns = "scheduler-runtimes";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>Status and reason of each answer, as the real server gave them on 2026-12-01.</summary>
    private static readonly string[] Expected =
    [
        "absent pod: 404 NotFound",
        "bad name: 422 Invalid",
        "no image: 422 Invalid",
        "request unequal to limit: 422 Invalid",
        "create: ok, request of the GPU is 1",
        "create again: 409 AlreadyExists",
        "wrong uid: 409 Conflict",
        "list by label: 1",
        "list by other label: 0",
        "list of unfinished pods: 1",
        "delete of an unbound pod: gone",
        "delete again: 404 NotFound",
        "secret is immutable metadata is not: ok",
        "watch: ADDED, DELETED",
        "wrong token: 401 Unauthorized",
    ];

    [Fact]
    public async Task The_stand_in_answers_as_recorded()
    {
        await using var world = await KubernetesWorld.StartAsync(Ct);
        world.Server.Quirks.SchedulerPaused = true;

        Assert.Equal(Expected, await AnswersAsync(world.WriteAccess()));
    }

    [Fact(Explicit = true)]
    public async Task A_real_API_server_answers_as_recorded()
    {
        var binaries = Environment.GetEnvironmentVariable("SCHEDULER_CONTROL_PLANE");
        Assert.SkipWhen(string.IsNullOrEmpty(binaries), "SCHEDULER_CONTROL_PLANE names no folder with a control plane");
        await using var plane = await ControlPlane.StartAsync(binaries, Ct);
        plane.Kubelets.AddNamespace(Ns);

        Assert.Equal(Expected, await AnswersAsync(plane.KubeConfig));
    }

    private static async Task<List<string>> AnswersAsync(string kubeConfig)
    {
        var access = KubernetesClientConfiguration.BuildConfigFromConfigFile(kubeConfig);
        using var api = new k8s.Kubernetes(access);
        var core = api.CoreV1;
        var said = new List<string>
        {
            "absent pod: " + await SaysAsync(() => core.ReadNamespacedPodAsync("none", Ns, cancellationToken: Ct)),
            "bad name: "
                + await SaysAsync(() => core.CreateNamespacedPodAsync(Pod("Bad_Name"), Ns, cancellationToken: Ct)),
            "no image: "
                + await SaysAsync(() => core.CreateNamespacedPodAsync(Pod("p", image: ""), Ns, cancellationToken: Ct)),
            "request unequal to limit: "
                + await SaysAsync(() =>
                    core.CreateNamespacedPodAsync(Pod("p", request: "2"), Ns, cancellationToken: Ct)
                ),
        };
        var from = (await core.ListNamespacedPodAsync(Ns, cancellationToken: Ct)).Metadata.ResourceVersion;
        var made = await core.CreateNamespacedPodAsync(Pod("p"), Ns, cancellationToken: Ct);
        said.Add($"create: ok, request of the GPU is {made.Spec.Containers[0].Resources.Requests["nvidia.com/gpu"]}");
        said.Add(
            "create again: " + await SaysAsync(() => core.CreateNamespacedPodAsync(Pod("p"), Ns, cancellationToken: Ct))
        );
        said.Add("wrong uid: " + await SaysAsync(() => DeleteAsync(core, "00000000-0000-0000-0000-000000000000")));
        said.Add("list by label: " + await CountAsync(core, labels: "a=1,b"));
        said.Add("list by other label: " + await CountAsync(core, labels: "a=2"));
        said.Add(
            "list of unfinished pods: " + await CountAsync(core, fields: "status.phase!=Succeeded,status.phase!=Failed")
        );
        await DeleteAsync(core, made.Metadata.Uid);
        said.Add(
            "delete of an unbound pod: "
                + (
                    await SaysAsync(() => core.ReadNamespacedPodAsync("p", Ns, cancellationToken: Ct)) == "404 NotFound"
                        ? "gone"
                        : "there"
                )
        );
        said.Add("delete again: " + await SaysAsync(() => DeleteAsync(core, made.Metadata.Uid)));
        said.Add("secret is immutable metadata is not: " + await SaysAsync(() => AnnotateSecretAsync(core)));
        said.Add("watch: " + await WatchedAsync(core, from));
        access.AccessToken = "wrong";
        using var other = new k8s.Kubernetes(access);
        said.Add(
            "wrong token: " + await SaysAsync(() => other.CoreV1.ReadNamespacedPodAsync("p", Ns, cancellationToken: Ct))
        );
        return said;
    }

    private static async Task<object> AnnotateSecretAsync(ICoreV1Operations core)
    {
        var secret = new V1Secret
        {
            Metadata = new V1ObjectMeta { Name = "s" },
            Immutable = true,
            Data = new Dictionary<string, byte[]> { ["k"] = [1] },
        };
        await core.CreateNamespacedSecretAsync(secret, Ns, cancellationToken: Ct);
        var patch = new V1Patch(
            """{"metadata":{"annotations":{"scheduler/taken":"x"}}}""",
            V1Patch.PatchType.MergePatch
        );
        return await core.PatchNamespacedSecretAsync(patch, "s", Ns, cancellationToken: Ct);
    }

    private static async Task<string> WatchedAsync(ICoreV1Operations core, string from)
    {
        var types = new List<string>();
        await foreach (
            var (type, _) in core.WatchListNamespacedPodAsync(
                Ns,
                resourceVersion: from,
                allowWatchBookmarks: true,
                timeoutSeconds: 1,
                cancellationToken: Ct
            )
        )
        {
            // The real scheduler notes that it found no node.
            if (type is WatchEventType.Added or WatchEventType.Deleted)
            {
                types.Add(type.ToString().ToUpperInvariant());
            }
        }

        return string.Join(", ", types);
    }

    private static async Task<int> CountAsync(ICoreV1Operations core, string? labels = null, string? fields = null) =>
        (await core.ListNamespacedPodAsync(Ns, labelSelector: labels, fieldSelector: fields, cancellationToken: Ct))
            .Items
            .Count;

    private static Task<V1Pod> DeleteAsync(ICoreV1Operations core, string uid) =>
        core.DeleteNamespacedPodAsync(
            "p",
            Ns,
            new V1DeleteOptions
            {
                GracePeriodSeconds = 30,
                Preconditions = new V1Preconditions { Uid = uid },
            },
            cancellationToken: Ct
        );

    /// <returns>Status and reason of a refusal, or <c>ok</c>.</returns>
    private static async Task<string> SaysAsync<T>(Func<Task<T>> call)
    {
        try
        {
            await call();
            return "ok";
        }
        catch (HttpOperationException exception)
        {
            using var status = JsonDocument.Parse(exception.Response.Content);
            return $"{(int)exception.Response.StatusCode} {status.RootElement.GetProperty("reason").GetString()}";
        }
    }

    private static V1Pod Pod(string name, string image = "image", string request = "1") =>
        new()
        {
            Metadata = new V1ObjectMeta
            {
                Name = name,
                Labels = new Dictionary<string, string> { ["a"] = "1", ["b"] = "2" },
            },
            Spec = new V1PodSpec
            {
                Containers =
                [
                    new V1Container
                    {
                        Name = "runtime",
                        Image = image,
                        Resources = new V1ResourceRequirements
                        {
                            Limits = new Dictionary<string, ResourceQuantity> { ["nvidia.com/gpu"] = new("1") },
                            Requests =
                                request == "1"
                                    ? null
                                    : new Dictionary<string, ResourceQuantity> { ["nvidia.com/gpu"] = new(request) },
                        },
                    },
                ],
            },
        };
}
