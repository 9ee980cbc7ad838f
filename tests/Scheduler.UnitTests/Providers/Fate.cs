namespace Scheduler.UnitTests.Providers;

/// <summary>What the runtime of a request does.</summary>
public enum Fate
{
    Serves,
    NeverReady,
    OomAtLoad,
    ModelLoadError,
    Exits,
}
