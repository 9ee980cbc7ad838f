using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Scheduler.VendorServers.Kubernetes;

/// <summary>Validation and defaults of a new pod, as far as an adapter depends on them.</summary>
internal static partial class PodDefaults
{
    /// <exception cref="ApiError">422: the pod breaks a rule. 403: a quota is used up.</exception>
    internal static void Apply(JsonObject pod, KubernetesQuirks quirks)
    {
        var name = pod.Name();
        if (!ValidName().IsMatch(name) || name.Length > 253)
        {
            throw ApiError.Invalid(
                "Pod",
                name,
                $"metadata.name: Invalid value: \"{name}\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.'"
            );
        }

        foreach (var (label, value) in pod.At("metadata", "labels") as JsonObject ?? [])
        {
            if (!ValidLabel().IsMatch(value!.ToString()) || value.ToString().Length > 63)
            {
                throw ApiError.Invalid(
                    "Pod",
                    name,
                    $"metadata.labels: Invalid value: \"{value}\": a valid label must be an empty string or consist of alphanumeric characters ({label})"
                );
            }
        }

        if (quirks.Quota is { } quota)
        {
            throw new ApiError(403, "Forbidden", quota);
        }

        if (
            pod.Items("spec", "containers").FirstOrDefault() is not { } container
            || container.Text("image") is not { Length: > 0 }
        )
        {
            throw ApiError.Invalid("Pod", name, "spec.containers[0].image: Required value");
        }

        DefaultRequests(name, container);
        if (quirks.Finalizer is { } finalizer)
        {
            pod.Meta()["finalizers"] = new JsonArray(finalizer);
        }

        pod["status"] = new JsonObject { ["phase"] = "Pending", ["qosClass"] = "Burstable" };
    }

    /// <summary>Gives the first port of a service of type NodePort a port of the nodes.</summary>
    internal static void OpenPort(JsonObject service, int port)
    {
        if (service.Text("spec", "type") == "NodePort" && service.Items("spec", "ports").FirstOrDefault() is { } first)
        {
            first["nodePort"] = port;
        }
    }

    /// <summary>A request defaults to its limit; for devices the two must be equal.</summary>
    private static void DefaultRequests(string pod, JsonObject container)
    {
        var resources = container.Within("resources");
        var requests = resources.Within("requests");
        foreach (var (resource, limit) in resources["limits"] as JsonObject ?? [])
        {
            requests[resource] ??= limit!.DeepClone();
            if (
                resource.Contains('/', StringComparison.Ordinal)
                && requests.Amount(resource) != container.Amount("resources", "limits", resource)
            )
            {
                throw ApiError.Invalid(
                    "Pod",
                    pod,
                    $"spec.containers[0].resources.requests: Invalid value: must be equal to {resource} limit"
                );
            }
        }
    }

    [GeneratedRegex("^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$", RegexOptions.None, 1000)]
    private static partial Regex ValidName();

    [GeneratedRegex("^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$", RegexOptions.None, 1000)]
    private static partial Regex ValidLabel();
}
