namespace Scheduler.VendorServers.Docker;

/// <summary>What the engine of this server does beyond the usual; each is off at first. Tests switch them while it runs.</summary>
public sealed class DockerQuirks
{
    /// <summary>Newest API version, as in <c>Api-Version</c>. Docker 20.10 and Podman 4.3 have 1.41.</summary>
    public string NewestApi { get; set; } = "1.41";

    /// <summary>The engine is Podman of this version; null for Docker.</summary>
    public string? Podman { get; set; }

    /// <summary>The host has no NVIDIA container toolkit: a container with GPUs cannot be started.</summary>
    public bool HasNoNvidia { get; set; }

    /// <summary>Every connection is closed without an answer.</summary>
    public bool IsDown { get; set; }

    /// <summary>So many create requests take effect, but their answers are lost.</summary>
    public int LostCreates { get; set; }

    /// <summary>So many start requests take effect, but their answers are lost.</summary>
    public int LostStarts { get; set; }

    /// <summary>Another program holds the published port: a container cannot be started.</summary>
    public bool HasNoPort { get; set; }

    /// <summary>Containers ignore the stop signal.</summary>
    public bool IgnoresStop { get; set; }

    /// <summary>A removal answers at once, and the container stays <c>removing</c> for so many looks.</summary>
    public int SlowRemovals { get; set; }

    /// <summary>The stream of events ends after each event.</summary>
    public bool CutsEvents { get; set; }

    /// <summary>Runs after a container was created and before the answer; for tests of races.</summary>
    public Func<string, Task> AfterCreate { get; set; } = _ => Task.CompletedTask;

    /// <summary>CSV that <c>nvidia-smi</c> prints in a container.</summary>
    public string NvidiaSmi { get; set; } = "";
}
