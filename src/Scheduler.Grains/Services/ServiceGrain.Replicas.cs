using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Services;
using Scheduler.Grains.Instances;

namespace Scheduler.Grains.Services;

/// <summary>
/// The instances of replicas: work beside the turns, which creates and starts them, or stops and deletes them, and messages about them.
/// </summary>
internal sealed partial class ServiceGrain
{
    /// <summary>How often replicas that serve are looked at, for a message that was lost.</summary>
    private static readonly TimeSpan LookEvery = TimeSpan.FromMinutes(5);

    private DateTimeOffset? _lookedAt;

    private IServiceInbox Inbox => this.AsReference<IServiceInbox>();

    public async Task ReplicaChangedAsync(InstanceId instance, ReplicaSight seen)
    {
        if (Current.Replicas.FirstOrDefault(known => known.Instance == instance) is { } replica)
        {
            await ReplicaSeenAsync(replica.Number, 0, seen);
        }
        else if (!Current.IsLive)
        {
            DeactivateOnIdle();
        }
    }

    public Task ReplicaSeenAsync(int replica, int start, ReplicaSight seen) =>
        ApplyAsync(
            editor =>
            {
                ReplicaSights.See(editor, replica, seen);
                ReplicaSights.Answered(editor, replica, start);
            },
            OwnCause()
        );

    public Task ReplicaRefusedAsync(int replica, int start, Refusal refusal) =>
        ApplyAsync(
            editor => ReplicaSights.Refused(editor, replica, start, WordsOf(refusal), refusal.Failure),
            OwnCause()
        );

    public Task ReplicaAbsentAsync(int replica) =>
        ApplyAsync(editor => ReplicaSights.Absent(editor, replica), OwnCause());

    private IEnumerable<RequiredWork> WorkRequired()
    {
        var record = Current;
        foreach (var replica in record.Replicas)
        {
            if (replica.Phase == ReplicaPhase.Removing)
            {
                yield return new($"remove {replica.ServingName}", cancelled => RemoveAsync(record, replica, cancelled));
            }
            else if (replica.MustStart && !record.Spec.Paused)
            {
                yield return new(
                    $"start {replica.ServingName} for the {replica.Starts}. time",
                    cancelled => StartAsync(record, replica, cancelled)
                );
            }
        }
    }

    /// <summary>Work: creates the instance if it does not exist, and starts it once for each ordered start.</summary>
    private async Task StartAsync(ServiceRecord record, Replica replica, CancellationToken cancellationToken)
    {
        var instance = GrainFactory.Instance(replica.Instance);
        if (await CreateInstanceAsync(record, replica) is { } refused)
        {
            await Inbox.ReplicaRefusedAsync(replica.Number, replica.Starts, refused);
            return;
        }

        cancellationToken.ThrowIfCancellationRequested();
        var started = await instance.StartAsync(ContextOf(record, $"{Self}-{replica.Number}-{replica.Starts}"));
        if (started.Refusal is { Kind: RefusalKind.Invalid } invalid)
        {
            await Inbox.ReplicaRefusedAsync(replica.Number, replica.Starts, invalid);
            return;
        }

        var seen = await instance.GetAsync(record.Account);
        if (seen.IsOk)
        {
            await Inbox.ReplicaSeenAsync(replica.Number, replica.Starts, ReplicaSight.Of(seen.Value));
        }
    }

    /// <summary>Work: stops the instance and deletes it; ends when it is a tombstone.</summary>
    private async Task RemoveAsync(ServiceRecord record, Replica replica, CancellationToken cancellationToken)
    {
        var instance = GrainFactory.Instance(replica.Instance);
        // A create or start that is still on its way must find the tombstone.
        if (replica.Seen is null && await CreateInstanceAsync(record, replica) is not null)
        {
            await Inbox.ReplicaAbsentAsync(replica.Number);
            return;
        }

        while (true)
        {
            var answer = await instance.GetAsync(record.Account);
            if (!answer.IsOk)
            {
                await Inbox.ReplicaAbsentAsync(replica.Number);
                return;
            }

            await Inbox.ReplicaSeenAsync(replica.Number, 0, ReplicaSight.Of(answer.Value));
            var found = answer.Value;
            if (found.State == InstanceState.Deleted)
            {
                return;
            }

            if (found.State is InstanceState.Stopped or InstanceState.Failed && found.PendingCleanups.IsEmpty)
            {
                if ((await instance.DeleteAsync(ContextOf(record, null))).IsOk)
                {
                    continue;
                }
            }
            else if (found.State == InstanceState.Waiting || found.State.MayHoldAllocation())
            {
                await instance.StopAsync(ContextOf(record, null));
            }

            await instance.WaitForChangeAsync(record.Account, found.Generation, cancellationToken);
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    /// <summary>Creates the instance of a replica; null when it exists, created now or before.</summary>
    private async Task<Refusal?> CreateInstanceAsync(ServiceRecord record, Replica replica)
    {
        var template = record.FindRevision(replica.Revision)?.Template ?? record.Spec.Template;
        var instance = GrainFactory.Instance(replica.Instance);
        var created = await instance.CreateAsync(
            new CreateInstance(
                record.Account,
                replica.ServingName,
                RollOut.SpecOf(template, replica),
                ReplicaLabels.Of(Self, replica)
            ),
            ContextOf(record, null)
        );
        if (created.IsOk)
        {
            return null;
        }

        // Another version of this program may write the same command differently.
        var known = await instance.GetAsync(record.Account);
        return known.IsOk && ReplicaLabels.ServiceOf(known.Value.Labels) == Self ? null : created.Refusal;
    }

    /// <summary>
    /// Reads the instances of replicas about which a message may be lost: all of them in the first wake-up and every few minutes, else those
    /// that are about to change.
    /// </summary>
    private async Task LookAsync()
    {
        var now = clock.Now();
        var isAll = _lookedAt is not { } last || now - last >= LookEvery;
        _lookedAt = isAll ? now : _lookedAt;
        var account = Current.Account;
        var looked = Current
            .Replicas.Where(replica => replica.Seen is { } seen && (isAll || seen.State != InstanceState.Running))
            .ToList();
        var answers = await Task.WhenAll(
            looked.Select(replica => GrainFactory.Instance(replica.Instance).GetAsync(account))
        );
        await ApplyAsync(
            editor =>
            {
                foreach (var (replica, answer) in looked.Zip(answers))
                {
                    if (answer.IsOk)
                    {
                        ReplicaSights.See(editor, replica.Number, ReplicaSight.Of(answer.Value));
                    }
                }
            },
            OwnCause()
        );
    }

    private static string WordsOf(Refusal refusal) =>
        refusal.Faults.IsEmpty
            ? refusal.Message
            : string.Join(" ", refusal.Faults.Select(fault => $"{fault.Field}: {fault.Description}"));

    private CommandContext ContextOf(ServiceRecord record, string? clientRequestId) =>
        new(record.RequestId, $"service:{Self}", record.Account, clientRequestId);
}
