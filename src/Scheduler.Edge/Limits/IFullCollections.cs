namespace Scheduler.Edge.Limits;

/// <summary>The collections of the runtime that free large objects.</summary>
internal interface IFullCollections
{
    /// <summary>Number of full collections of this process.</summary>
    int Count { get; }

    /// <summary>Runs one, and returns when the memory can be used again.</summary>
    void Run();

    /// <summary>Runs one, and gives unused memory back to the system. Stops the process for longer.</summary>
    void Trim();
}

/// <inheritdoc/>
internal sealed class FullCollections : IFullCollections
{
    public int Count => GC.CollectionCount(GC.MaxGeneration);

    public void Run() => GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: false);

    public void Trim() => GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
}
