namespace Scheduler.Domain.Instances;

/// <summary>The state machine of an instance, as a table.</summary>
public static class InstanceLifecycle;
