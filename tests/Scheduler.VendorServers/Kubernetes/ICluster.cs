using System.Text.Json.Nodes;

namespace Scheduler.VendorServers.Kubernetes;

/// <summary>The objects that the stand-in's kubelets read and change: those of the stand-in, or of a real API server.</summary>
internal interface ICluster
{
    /// <param name="ns">Null for all namespaces.</param>
    (List<JsonObject> Items, long Version) List(string resource, string? ns);

    JsonObject? Find(string resource, string ns, string name);

    JsonObject Create(string resource, string ns, JsonObject given);

    /// <returns>The object after the change; null if it is gone.</returns>
    JsonObject? Change(string resource, string ns, string name, Action<JsonObject> change);

    void Remove(string resource, string ns, string name);
}
