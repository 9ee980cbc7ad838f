namespace Scheduler.ProviderTests;

/// <summary>The behaviour of the runtime that a test requests.</summary>
public enum RuntimeBehaviour
{
    Serves,
    NeverReady,
    OomAtLoad,
    ModelLoadError,
    Exits,
}
