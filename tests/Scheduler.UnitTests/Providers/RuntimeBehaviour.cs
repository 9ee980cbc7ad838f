namespace Scheduler.UnitTests.Providers;

/// <summary>What the runtime of a request does.</summary>
public enum RuntimeBehaviour
{
    Serves,
    NeverReady,
    OomAtLoad,
    ModelLoadError,
    Exits,
}
