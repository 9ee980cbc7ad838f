using System.Text;
using System.Text.Json.Nodes;

namespace Scheduler.VendorServers.Kubernetes;

/// <summary>What a container is started with, and how the stand-in of its program behaves.</summary>
internal static class PodCommand
{
    /// <summary>A model of this name chooses the behaviour, for example <c>stand-in/oom-at-load</c>.</summary>
    private const string Behaviour = "stand-in/";

    internal const string NeverReady = Behaviour + "never-ready";

    /// <summary>The variables, or the words of the kubelet about a missing secret.</summary>
    internal static (Dictionary<string, string> Variables, string? Missing) Environment(ICluster store, JsonObject pod)
    {
        var variables = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var variable in pod.Items("spec", "containers").First().Items("env"))
        {
            var name = variable.Text("name")!;
            if (variable.At("valueFrom", "secretKeyRef") is not JsonObject reference)
            {
                variables[name] = variable.Text("value") ?? "";
                continue;
            }

            var secret = reference.Text("name")!;
            var found = store.Find("secrets", pod.Text("metadata", "namespace")!, secret);
            if (found is null)
            {
                return (variables, $"secret \"{secret}\" not found");
            }

            if (found.At("data").Text(reference.Text("key")!) is not { } value)
            {
                return (
                    variables,
                    $"couldn't find key {reference.Text("key")} in Secret {pod.Text("metadata", "namespace")}/{secret}"
                );
            }

            variables[name] = Encoding.UTF8.GetString(Convert.FromBase64String(value));
        }

        return (variables, null);
    }

    /// <summary>The arguments after the kubelet's replacement of variables.</summary>
    internal static List<string> Arguments(JsonObject container, Dictionary<string, string> environment) =>
        [
            .. new[] { "command", "args" }
                .SelectMany(part => container[part] as JsonArray ?? [])
                .Select(argument => Expand(argument!.ToString(), environment)),
        ];

    /// <summary>How a container ends at once; null if it runs on.</summary>
    internal static (int Code, string? Reason, string Output)? EndOf(List<string> arguments) =>
        arguments.Find(argument => argument.StartsWith(Behaviour, StringComparison.Ordinal)) switch
        {
            "stand-in/oom-at-load" => (
                1,
                null,
                "loading weights\ntorch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79.11 GiB\n"
            ),
            "stand-in/oom-killed" => (137, "OOMKilled", "loading weights\n"),
            "stand-in/model-load-error" => (
                1,
                null,
                "llama_model_load: error loading model: unknown model architecture: 'stand-in'\n"
            ),
            "stand-in/exits" => (1, null, "RuntimeError: the engine core died unexpectedly\n"),
            _ => null,
        };

    private static string Expand(string argument, Dictionary<string, string> environment)
    {
        var text = new StringBuilder();
        for (var at = 0; at < argument.Length; at++)
        {
            if (argument.AsSpan(at).StartsWith("$$("))
            {
                text.Append("$(");
                at += 2;
            }
            else if (
                argument.AsSpan(at).StartsWith("$(")
                && argument.IndexOf(')', at) is var end and > 0
                && environment.TryGetValue(argument[(at + 2)..end], out var value)
            )
            {
                text.Append(value);
                at = end;
            }
            else
            {
                text.Append(argument[at]);
            }
        }

        return text.ToString();
    }
}
