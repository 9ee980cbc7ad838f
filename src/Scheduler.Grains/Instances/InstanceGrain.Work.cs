using Scheduler.Domain.Instances;

namespace Scheduler.Grains.Instances;

/// <summary>Block three: what the record demands of the world is set going, once, beside the turns.</summary>
internal sealed partial class InstanceGrain
{
    private readonly CancellationTokenSource _work = new();
    private readonly Dictionary<string, CancellationTokenSource> _running = new(StringComparer.Ordinal);
    private IGrainTimer? _deadline;

    private IInstanceInbox Inbox => this.AsReference<IInstanceInbox>();

    /// <inheritdoc/>
    public async Task<DateTimeOffset?> WakeAsync()
    {
        await PassDeadlineAsync();
        ActAfterRecord();
        return NextWake() ?? (await IsCurrentAsync() ? null : clock.Now());
    }

    /// <summary>
    /// Whether what this activation remembers is what is recorded. While a silo taken for dead lives on there are two of it, and the other
    /// may have written: an answer from an old memory would strike out the wake-up of what that one recorded (INV-03).
    /// </summary>
    private async Task<bool> IsCurrentAsync()
    {
        await state.ReadStateAsync(CancellationToken.None);
        var isCurrent = state.State.Generation == _recorded.Generation;
        state.State = _recorded;
        if (!isCurrent)
        {
            GiveUp();
        }

        return isCurrent;
    }

    /// <summary>This activation may not be right any more: it ends, and whoever asks next gets one that reads what is true.</summary>
    private void GiveUp()
    {
        DeactivateOnIdle();
        // Watchers would keep this activation, and with it every command, waiting until their time is up.
        _changed.TrySetResult();
        CallOffAll();
    }

    private void ActAfterRecord()
    {
        var wanted = new HashSet<string>(StringComparer.Ordinal);
        if (_recorded.State == InstanceState.Provisioning)
        {
            wanted.Add(SetGoing($"allocate {_recorded.Intent!.Key}", AllocateAsync));
        }
        else if (_recorded.State == InstanceState.Starting)
        {
            wanted.Add(SetGoing($"probe {_recorded.Intent!.Key}", ProbeAsync));
        }
        else if (_recorded.State == InstanceState.Running && _meteredRun != _recorded.Run)
        {
            wanted.Add(SetGoing($"meter {_recorded.Run}", StartMeterAsync));
        }

        if (!_recorded.Debts.IsEmpty)
        {
            wanted.Add(SetGoing("debts", PayDebtsAsync));
        }

        CallOffAllBut(wanted);
        ArmDeadline();
    }

    /// <summary>Starts a piece of work unless it is under way; it sees the record of its start and a token that ends with its need.</summary>
    private string SetGoing(string name, Func<InstanceRecord, CancellationToken, Task> work)
    {
        if (!_running.ContainsKey(name) && !_work.IsCancellationRequested)
        {
            var ends = CancellationTokenSource.CreateLinkedTokenSource(_work.Token);
            _running.Add(name, ends);
            _ = RunAsync(name, work, ends);
        }

        return name;
    }

    private async Task RunAsync(
        string name,
        Func<InstanceRecord, CancellationToken, Task> work,
        CancellationTokenSource ends
    )
    {
        using var scope = logger.BeginScope(
            new KeyValuePair<string, object?>[] { new("RequestId", _recorded.RequestId.Value) }
        );
        try
        {
            await work(_recorded, ends.Token);
        }
        catch (OperationCanceledException) when (ends.IsCancellationRequested)
        {
            LogCalledOff(Self, name);
        }
        catch (Exception exception)
        {
            // Nothing is lost: the record still demands it, and the agenda wakes this grain to try again.
            LogWorkFailed(exception, Self, name);
        }
        finally
        {
            if (_running.TryGetValue(name, out var current) && current == ends)
            {
                _running.Remove(name);
            }

            ends.Dispose();
        }
    }

    private void CallOffAllBut(HashSet<string> wanted)
    {
        foreach (var (name, ends) in _running.Where(work => !wanted.Contains(work.Key)).ToList())
        {
            _running.Remove(name);
            ends.Cancel();
        }
    }

    /// <summary>Within the turn, not on a pool thread beside it, as the asynchronous way would: whoever is called off must see it at once.</summary>
    private void CallOffAll() => _work.Cancel();

    /// <summary>One timer, for exactly the time left; the agenda holds the same moment for the case that this activation is lost.</summary>
    private void ArmDeadline()
    {
        _deadline?.Dispose();
        _deadline = null;
        if (DeadlineOf(_recorded) is not { } due)
        {
            return;
        }

        var left = due - clock.Now();
        left = left < TimeSpan.Zero ? TimeSpan.Zero : left;
        _deadline = this.RegisterGrainTimer(
            static (self, _) => self.PassDeadlineAsync(),
            this,
            new GrainTimerCreationOptions(left, Timeout.InfiniteTimeSpan)
        );
        DelayDeactivation(left + TimeSpan.FromMinutes(1));
    }

    private static DateTimeOffset? DeadlineOf(InstanceRecord record) =>
        record.State == InstanceState.Provisioning ? record.Intent!.AllocationDeadline
        : record.State == InstanceState.Starting ? record.Intent!.StartDeadline
        : null;

    private DateTimeOffset? NextWake()
    {
        var now = clock.Now();
        var due =
            _recorded.State != InstanceState.Running ? DeadlineOf(_recorded)
            : _meteredRun == _recorded.Run ? null
            : now + InstanceDecisions.MeterBackstop;
        if (_recorded.Debts.IsEmpty && due is null)
        {
            return null;
        }

        var backstop = now + InstanceDecisions.WorkBackstop;
        return due < backstop ? due : backstop;
    }
}
