namespace Scheduler.ClusterTests.Simulation;

/// <summary>
/// The scheduler of one activation (or of one silo's keepers, or of the clients): its tasks run one after another; among several
/// schedulers the seed chooses. What a dead one was doing ends at its latest await.
/// </summary>
internal sealed class Turns(SimulatedWorld world) : TaskScheduler
{
    private readonly Queue<Task> _tasks = new();
    private bool _isDead;

    /// <summary>Nothing more happens here.</summary>
    public void Die()
    {
        _isDead = true;
        _tasks.Clear();
        world.NotReady(this);
    }

    /// <summary>Begins something here.</summary>
    public void Begin(Func<Task> what) =>
        _ = Task
            .Factory.StartNew(what, CancellationToken.None, TaskCreationOptions.DenyChildAttach, this)
            .Unwrap()
            // Whatever is begun here handles its own failures; one that does not is a fault of the simulation.
            .ContinueWith(
                task => world.Violate($"the simulation itself failed: {task.Exception!.GetBaseException()}"),
                CancellationToken.None,
                TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously,
                Default
            );

    internal void RunOne()
    {
        var task = _tasks.Dequeue();
        if (_tasks.Count == 0)
        {
            world.NotReady(this);
        }

        TryExecuteTask(task);
    }

    /// <inheritdoc/>
    protected override void QueueTask(Task task)
    {
        if (_isDead)
        {
            return;
        }

        _tasks.Enqueue(task);
        if (_tasks.Count == 1)
        {
            world.Ready(this);
        }
    }

    /// <inheritdoc/>
    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;

    /// <inheritdoc/>
    protected override IEnumerable<Task> GetScheduledTasks() => _tasks;
}
