namespace Scheduler.ClusterTests.Simulation;

/// <summary>
/// The task scheduler of one activation, of the background services of a silo, or of the clients. Its tasks run one
/// after another; the seed chooses among several schedulers. Work of an aborted scheduler ends at its current await.
/// </summary>
internal sealed class Turns(SimulatedWorld world) : TaskScheduler
{
    private readonly Queue<Task> _tasks = new();
    private bool _isDead;

    /// <summary>Runs no further task.</summary>
    public void Abort()
    {
        _isDead = true;
        _tasks.Clear();
        world.NotReady(this);
    }

    public void Begin(Func<Task> what) =>
        _ = Task
            .Factory.StartNew(what, CancellationToken.None, TaskCreationOptions.DenyChildAttach, this)
            .Unwrap()
            // Work started here handles its own failures; an unhandled one is a bug of the simulation.
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

    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;

    protected override IEnumerable<Task> GetScheduledTasks() => _tasks;
}
