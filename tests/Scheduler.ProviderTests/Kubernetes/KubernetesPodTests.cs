using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Time.Testing;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Providers;
using Scheduler.Providers.Kubernetes;
using Xunit;

namespace Scheduler.ProviderTests.Kubernetes;

/// <summary>What the adapter sends: the pod, its secret, and the deletion.</summary>
public sealed class KubernetesPodTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>The whole body, so that no field comes or goes unseen.</summary>
    private const string Expected = """
        {
          "metadata": {
            "annotations": {
              "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
              "karpenter.sh/do-not-disrupt": "true",
              "scheduler/cluster": "cluster-a",
              "scheduler/health-path": "/health",
              "scheduler/instance": "i-Pod",
              "scheduler/key": "i-Pod-r1-a1",
              "scheduler/offer": "eu-1/on-demand/H100-80GB-SXM:1",
              "scheduler/tokenize-path": "/tokenize",
              "scheduler/tokenize-shape": "Vllm"
            },
            "labels": {
              "app.kubernetes.io/managed-by": "gpu-scheduler",
              "kueue.x-k8s.io/queue-name": "gpus",
              "scheduler/cluster": "cluster-a",
              "scheduler/instance": "i-Pod",
              "scheduler/key": "i-Pod-r1-a1"
            },
            "name": "s-i-pod-r1-a1-40cda2f849c4",
            "ownerReferences": [
              { "apiVersion": "v1", "kind": "Secret", "name": "s-i-pod-r1-a1-40cda2f849c4", "uid": "UID" }
            ]
          },
          "spec": {
            "affinity": {
              "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {
                  "nodeSelectorTerms": [
                    {
                      "matchExpressions": [
                        { "key": "nvidia.com/gpu.product", "operator": "In", "values": ["NVIDIA-H100-80GB-HBM3"] },
                        { "key": "topology.kubernetes.io/region", "operator": "In", "values": ["eu-1"] },
                        { "key": "karpenter.sh/capacity-type", "operator": "NotIn", "values": ["spot"] },
                        { "key": "cloud.google.com/gke-spot", "operator": "NotIn", "values": ["true"] },
                        { "key": "cloud.google.com/gke-preemptible", "operator": "NotIn", "values": ["true"] },
                        { "key": "eks.amazonaws.com/capacityType", "operator": "NotIn", "values": ["SPOT"] },
                        { "key": "kubernetes.azure.com/scalesetpriority", "operator": "NotIn", "values": ["spot"] },
                        { "key": "nvidia.com/gpu.sharing-strategy", "operator": "NotIn", "values": ["time-slicing", "mps"] }
                      ]
                    }
                  ]
                }
              }
            },
            "automountServiceAccountToken": false,
            "containers": [
              {
                "args": [
                  "stand-in/serves", "--served-model-name", "a$$(VLLM_API_KEY)", "--max-model-len", "4096",
                  "--tensor-parallel-size", "1", "--host", "0.0.0.0", "--port", "8000"
                ],
                "env": [
                  { "name": "HF_HOME", "value": "/model-cache" },
                  {
                    "name": "HF_TOKEN",
                    "valueFrom": { "secretKeyRef": { "key": "env.HF_TOKEN", "name": "s-i-pod-r1-a1-40cda2f849c4" } }
                  },
                  {
                    "name": "VLLM_API_KEY",
                    "valueFrom": { "secretKeyRef": { "key": "env.VLLM_API_KEY", "name": "s-i-pod-r1-a1-40cda2f849c4" } }
                  }
                ],
                "image": "vllm/vllm-openai:v0.15.1",
                "name": "runtime",
                "ports": [{ "containerPort": 8000, "name": "http" }],
                "resources": {
                  "limits": { "nvidia.com/gpu": "1" },
                  "requests": { "cpu": "1", "memory": "4294967296", "nvidia.com/gpu": "1" }
                },
                "terminationMessagePolicy": "FallbackToLogsOnError",
                "volumeMounts": [
                  { "mountPath": "/dev/shm", "name": "shared-memory" },
                  { "mountPath": "/model-cache", "name": "model-cache" }
                ]
              }
            ],
            "enableServiceLinks": false,
            "imagePullSecrets": [{ "name": "registry" }],
            "priorityClassName": "high",
            "restartPolicy": "Never",
            "runtimeClassName": "nvidia",
            "terminationGracePeriodSeconds": 1,
            "tolerations": [
              { "key": "nvidia.com/gpu", "operator": "Exists" },
              { "key": "amd.com/gpu", "operator": "Exists" },
              { "effect": "NoSchedule", "key": "team", "operator": "Equal", "value": "ai" }
            ],
            "volumes": [
              { "emptyDir": { "medium": "Memory", "sizeLimit": "21474836480" }, "name": "shared-memory" },
              { "name": "model-cache", "persistentVolumeClaim": { "claimName": "models" } }
            ]
          }
        }
        """;

    [Fact]
    public async Task The_pod_is_sent_exactly_like_this()
    {
        await using var world = await KubernetesWorld.StartAsync(Ct);
        var request = KubernetesWorld.Request("i-Pod-r1-a1") with
        {
            Environment = ImmutableSortedDictionary<string, string>.Empty.Add("HF_TOKEN", "hf_of-the-tenant"),
        };
        // A serving name of a caller cannot name a variable of the container.
        request = request with
        {
            Runtime = request.Runtime with { ServingName = "a$(VLLM_API_KEY)" },
        };

        var outcome = await world.Open(WithEverything).AllocateAsync(request, Ct);

        Assert.True(outcome.IsAllocated, outcome.Rejection?.ProviderWords);
        var pod = Assert.Single(world.Server.Recorded, one => one.Call == "create pods").Body;
        pod["metadata"]!["ownerReferences"]![0]!["uid"] = "UID";
        Assert.Equal(Sorted(JsonNode.Parse(Expected)), Sorted(pod));
    }

    [Fact]
    public async Task Secret_values_are_in_the_secret_and_nowhere_else()
    {
        await using var world = await KubernetesWorld.StartAsync(Ct);
        var request = KubernetesWorld.Request("i-secret-r1-a1") with
        {
            Environment = ImmutableSortedDictionary<string, string>.Empty.Add("HF_TOKEN", "hf_of-the-tenant"),
        };
        request = request with { Runtime = request.Runtime with { Preset = "sglang" } };

        var outcome = await world.Open().AllocateAsync(request, Ct);

        Assert.True(outcome.IsAllocated, outcome.Rejection?.ProviderWords);
        var all = world.Server.Recorded.Where(one => one.Call != "create secrets").Select(one => one.Body);
        Assert.All(
            all.Concat(world.Server.All("pods")).Concat(world.Server.All("events")),
            item =>
            {
                Assert.DoesNotContain("hf_of-the-tenant", item.ToJsonString(), StringComparison.Ordinal);
                Assert.DoesNotContain("runtime-key-of", item.ToJsonString(), StringComparison.Ordinal);
            }
        );
        var secret = Assert.Single(world.Server.All("secrets"));
        Assert.Equal(
            "runtime-key-of-i-secret-r1-a1",
            Encoding.UTF8.GetString(Convert.FromBase64String(secret["data"]!["runtime-key"]!.ToString()))
        );
        Assert.Equal("true", secret["immutable"]!.ToString());
    }

    [Fact]
    public async Task The_runtime_gets_the_key_that_the_gateway_sends()
    {
        await using var world = await KubernetesWorld.StartAsync(Ct);
        var provider = world.Open();
        foreach (var (key, preset) in new[] { ("i-v-r1-a1", "vllm"), ("i-s-r1-a1", "sglang") })
        {
            var request = KubernetesWorld.Request(key);
            await provider.AllocateAsync(request with { Runtime = request.Runtime with { Preset = preset } }, Ct);
            var endpoint = await TestKit.Eventually.UntilAsync(
                async () => (await provider.FindAsync(request.Key, Ct))?.Endpoint,
                seen => seen is not null,
                "ready"
            );
            using var http = new HttpClient();
            Assert.Equal(401, (int)(await http.GetAsync(new Uri(endpoint!, "v1/models"), Ct)).StatusCode);
            http.DefaultRequestHeaders.Authorization = new("Bearer", request.RuntimeKey!.Value.Value);
            Assert.Equal(200, (int)(await http.GetAsync(new Uri(endpoint!, "v1/models"), Ct)).StatusCode);
        }
    }

    [Fact]
    public async Task A_deletion_names_the_pod_s_uid_and_a_grace_period()
    {
        await using var world = await KubernetesWorld.StartAsync(Ct);
        var provider = world.Open();
        var request = KubernetesWorld.Request("i-end-r1-a1");
        var made = (await provider.AllocateAsync(request, Ct)).Allocation!;

        await provider.ReleaseAsync(request.Key, Ct);

        var body = Assert.Single(world.Server.Recorded, one => one.Call == "delete pods").Body;
        Assert.EndsWith(body["preconditions"]!["uid"]!.ToString(), made.ProviderAllocationId, StringComparison.Ordinal);
        Assert.Equal("1", body["gracePeriodSeconds"]!.ToString());
    }

    [Fact]
    public async Task A_node_port_is_opened_by_a_service_that_belongs_to_the_pod()
    {
        await using var world = await KubernetesWorld.StartAsync(Ct);
        var provider = world.Open(static options => options.Reach = KubernetesReach.NodePort);
        var request = KubernetesWorld.Request("i-port-r1-a1");

        await provider.AllocateAsync(request, Ct);

        var service = Assert.Single(world.Server.All("services"));
        Assert.Equal("NodePort", service["spec"]!["type"]!.ToString());
        Assert.Equal("i-port-r1-a1", service["spec"]!["selector"]!["scheduler/key"]!.ToString());
        await TestKit.Eventually.UntilAsync(
            () => provider.ReleaseAsync(request.Key, Ct),
            outcome => outcome == ReleaseOutcome.Released,
            "released"
        );
        Assert.Empty(world.Server.All("services"));
    }

    [Fact]
    public async Task Tombstones_are_deleted_when_they_are_old()
    {
        await using var world = await KubernetesWorld.StartAsync(Ct);
        var clock = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        var provider = world.Open(clock: clock);
        await provider.ReleaseAsync(new AllocationKey("i-old-r1-a1"), Ct);

        clock.Advance(TimeSpan.FromDays(6));
        await provider.ListAllocationsAsync(KubernetesWorld.Cluster, Ct);
        Assert.Single(world.Server.All("configmaps"));

        clock.Advance(TimeSpan.FromDays(2));
        await provider.ListAllocationsAsync(KubernetesWorld.Cluster, Ct);
        Assert.Empty(world.Server.All("configmaps"));
    }

    [Theory]
    [InlineData("i-a-r1-a1", "i-a.r1-a1")]
    [InlineData("i-a-r1-a1", "I-A-r1-a1")]
    [InlineData(
        "i-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-r1-a1",
        "i-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-r1-a2"
    )]
    public void Different_keys_have_different_names_and_labels_that_Kubernetes_accepts(string one, string other)
    {
        var names = new[] { one, other }.Select(key => KubernetesNames.ObjectOf(new AllocationKey(key))).ToList();

        Assert.Equal(2, names.Distinct().Count());
        Assert.All(names, name => Assert.Matches("^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$", name));
        Assert.All(
            new[] { one, other }.Select(KubernetesNames.LabelOf),
            label => Assert.Matches("^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$", label)
        );
        Assert.NotEqual(KubernetesNames.LabelOf(one), KubernetesNames.LabelOf(other));
    }

    private static void WithEverything(KubernetesOptions options)
    {
        options.RuntimeClass = "nvidia";
        options.PriorityClass = "high";
        options.Queue = "gpus";
        options.ImagePullSecrets.Add("registry");
        options.ModelCache.Claim = "models";
        options.Tolerations.Add(
            new KubernetesTolerationOptions
            {
                Key = "team",
                Value = "ai",
                Effect = "NoSchedule",
            }
        );
    }

    /// <summary>The same text for the same JSON, whatever the order of members.</summary>
    private static string Sorted(JsonNode? node) =>
        Order(node)!.ToJsonString(new JsonSerializerOptions { WriteIndented = true });

    private static JsonNode? Order(JsonNode? node) =>
        node switch
        {
            JsonObject item => new JsonObject(
                item.OrderBy(member => member.Key, StringComparer.Ordinal)
                    .Select(member => KeyValuePair.Create(member.Key, Order(member.Value)))
            ),
            JsonArray array => new JsonArray([.. array.Select(Order)]),
            _ => node?.DeepClone(),
        };
}
