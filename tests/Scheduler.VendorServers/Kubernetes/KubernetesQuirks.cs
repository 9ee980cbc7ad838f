namespace Scheduler.VendorServers.Kubernetes;

/// <summary>What a real cluster sometimes does. Tests and the control page set it; each is off at first.</summary>
public sealed class KubernetesQuirks
{
    /// <summary>A watch ends without notice after so many events; 0 for never.</summary>
    public int WatchCutAfter { get; set; }

    /// <summary>A watch stays open and sends nothing, not even bookmarks.</summary>
    public bool WatchSilent { get; set; }

    /// <summary>So many further events reach no watcher.</summary>
    public int EventsLost { get; set; }

    /// <summary>An expired version is reported by an ERROR event in an answer of status 200, else by status 410.</summary>
    public bool ExpireByEvent { get; set; }

    /// <summary>The next so many continuations of chunked lists have expired.</summary>
    public int ContinuesExpired { get; set; }

    /// <summary>Most objects of one answer, whatever the client asks for; 0 for no limit.</summary>
    public int MaxChunk { get; set; }

    /// <summary>How long a container takes to stop.</summary>
    public TimeSpan StopTakes { get; set; }

    /// <summary>How long an image takes to be pulled.</summary>
    public TimeSpan PullTakes { get; set; }

    /// <summary>Words of a registry that refuses every image; null for none.</summary>
    public string? PullError { get; set; }

    /// <summary>Pause between two pulls after an error.</summary>
    public TimeSpan PullPause { get; set; } = TimeSpan.FromMilliseconds(30);

    /// <summary>A finalizer that another controller puts on new pods; null for none.</summary>
    public string? Finalizer { get; set; }

    /// <summary>Words of a quota that refuses every pod; null for none.</summary>
    public string? Quota { get; set; }

    /// <summary>The next so many pods are made, but their maker's connection breaks before the answer.</summary>
    public int CreatesCut { get; set; }

    /// <summary>The next so many requests get 429 with Retry-After.</summary>
    public int Throttled { get; set; }

    /// <summary>The next so many pods are refused by their node after the binding.</summary>
    public int AdmissionsRefused { get; set; }

    /// <summary>Pods get no node, although there is room: the cluster's scheduler is slow.</summary>
    public bool SchedulerPaused { get; set; }

    /// <summary>An autoscaler answers pods without room with <c>NotTriggerScaleUp</c>.</summary>
    public bool AutoscalerRefuses { get; set; }

    /// <summary>An autoscaler makes a node for pods without room, after so long; null without one.</summary>
    public TimeSpan? AutoscalerMakes { get; set; }

    /// <summary>Interval of bookmarks in watches.</summary>
    public TimeSpan BookmarkEvery { get; set; } = TimeSpan.FromSeconds(60);
}
