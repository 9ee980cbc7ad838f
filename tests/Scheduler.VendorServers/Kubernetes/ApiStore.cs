using System.Globalization;
using System.Text.Json.Nodes;

namespace Scheduler.VendorServers.Kubernetes;

/// <summary>
/// The objects of the API server, each with a version from one counter, and the history of their changes from which watches
/// are served. Every object that goes in or out is a copy.
/// </summary>
internal sealed class ApiStore(TimeProvider clock) : ICluster
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<(string Resource, string Namespace, string Name), JsonObject> _items = [];
    private readonly List<ApiChange> _history = [];
    private TaskCompletionSource _changed = NewSignal();
    private long _version = 100;
    private long _oldest;

    /// <summary>Completes at the next change.</summary>
    internal Task Changed
    {
        get
        {
            lock (_gate)
            {
                return _changed.Task;
            }
        }
    }

    public JsonObject Create(string resource, string ns, JsonObject given)
    {
        lock (_gate)
        {
            var item = (JsonObject)given.DeepClone();
            var name = item.Name();
            if (_items.TryGetValue((resource, ns, name), out var existing))
            {
                throw existing.IsBeingDeleted()
                    ? ApiError.BeingDeleted(resource, name)
                    : ApiError.Exists(resource, name);
            }

            var meta = item.Meta();
            meta["uid"] = Guid.NewGuid().ToString();
            meta["creationTimestamp"] = ApiObject.Time(clock.GetUtcNow());
            if (ns.Length > 0)
            {
                meta["namespace"] = ns;
            }

            Put_NeedsLock(resource, ns, item, "ADDED");
            return (JsonObject)item.DeepClone();
        }
    }

    public JsonObject? Find(string resource, string ns, string name)
    {
        lock (_gate)
        {
            return (JsonObject?)_items.GetValueOrDefault((resource, ns, name))?.DeepClone();
        }
    }

    internal JsonObject Get(string resource, string ns, string name) =>
        Find(resource, ns, name) ?? throw ApiError.NotFound(resource, name);

    /// <summary>All objects of a resource in the order of their names, and the version of this list.</summary>
    /// <param name="ns">Null for all namespaces.</param>
    public (List<JsonObject> Items, long Version) List(string resource, string? ns)
    {
        lock (_gate)
        {
            var items = _items
                .Where(entry => entry.Key.Resource == resource && (ns is null || entry.Key.Namespace == ns))
                .Select(entry => (JsonObject)entry.Value.DeepClone())
                .ToList();
            return (items, _version);
        }
    }

    /// <summary>Changes an object; no effect if it is gone.</summary>
    /// <returns>The object after the change; null if it is gone.</returns>
    public JsonObject? Change(string resource, string ns, string name, Action<JsonObject> change)
    {
        lock (_gate)
        {
            if (!_items.TryGetValue((resource, ns, name), out var before))
            {
                return null;
            }

            var item = (JsonObject)before.DeepClone();
            change(item);
            if (!JsonNode.DeepEquals(item, before))
            {
                Put_NeedsLock(resource, ns, item, "MODIFIED");
            }

            return (JsonObject)item.DeepClone();
        }
    }

    /// <summary>Removes an object, unless a finalizer keeps it.</summary>
    public void Remove(string resource, string ns, string name)
    {
        lock (_gate)
        {
            if (!_items.TryGetValue((resource, ns, name), out var item))
            {
                return;
            }

            if (item.At("metadata", "finalizers") is JsonArray { Count: > 0 })
            {
                item.Meta()["deletionTimestamp"] ??= ApiObject.Time(clock.GetUtcNow());
                Put_NeedsLock(resource, ns, item, "MODIFIED");
                return;
            }

            _items.Remove((resource, ns, name));
            Stamp_NeedsLock(item);
            Tell_NeedsLock(new ApiChange(_version, "DELETED", resource, ns, (JsonObject)item.DeepClone()));
        }
    }

    /// <summary>Forgets the history, as the API server does every five minutes: older versions are refused.</summary>
    internal void Compact()
    {
        lock (_gate)
        {
            _oldest = ++_version;
            _history.Clear();
            Signal_NeedsLock();
        }
    }

    internal long Version
    {
        get
        {
            lock (_gate)
            {
                return _version;
            }
        }
    }

    /// <exception cref="ApiError">410: the version is older than the history.</exception>
    internal List<ApiChange> ChangesAfter(string resource, long version)
    {
        lock (_gate)
        {
            return version < _oldest
                ? throw ApiError.Expired(version, _oldest)
                : [.. _history.Where(change => change.Version > version && change.Resource == resource)];
        }
    }

    private void Put_NeedsLock(string resource, string ns, JsonObject item, string type)
    {
        Stamp_NeedsLock(item);
        _items[(resource, ns, item.Name())] = item;
        Tell_NeedsLock(new ApiChange(_version, type, resource, ns, (JsonObject)item.DeepClone()));
    }

    private void Stamp_NeedsLock(JsonObject item) =>
        item.Meta()["resourceVersion"] = (++_version).ToString(CultureInfo.InvariantCulture);

    private void Tell_NeedsLock(ApiChange change)
    {
        _history.Add(change);
        Signal_NeedsLock();
    }

    private void Signal_NeedsLock()
    {
        _changed.TrySetResult();
        _changed = NewSignal();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}

/// <param name="Type"><c>ADDED</c>, <c>MODIFIED</c> or <c>DELETED</c>.</param>
internal sealed record ApiChange(long Version, string Type, string Resource, string Namespace, JsonObject Item);
