using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;

namespace Scheduler.TestKit;

/// <summary>
/// A provider that follows the test's instructions and records every call. It keeps the true state of the "cloud",
/// which a test compares with the state of the grains.
/// </summary>
/// <param name="id">The configured name.</param>
public sealed class FakeProvider(string id, TimeProvider clock, params IEnumerable<Offer> offers) : IProvider
{
    /// <summary>Longer than every deadline of a launch.</summary>
    private static readonly TimeSpan Late = TimeSpan.FromSeconds(90);

    private readonly Lock _lock = new();
    private readonly Dictionary<AllocationKey, Allocation> _held = [];
    private readonly List<ProviderCall> _calls = [];
    private readonly List<AllocationRequest> _requests = [];
    private readonly List<AllocationKey> _made = [];
    private readonly Queue<AllocateAnswer> _nextAllocate = new();
    private readonly Queue<ReleaseAnswer> _nextRelease = new();
    private readonly Dictionary<AllocationKey, TaskCompletionSource> _late = [];
    private readonly List<Channel<Allocation>> _watchers = [];
    private readonly List<StepFaults> _cases = [];
    private readonly TaskCompletionSource _never = new();

    public ProviderId Id { get; } = new(id);

    public ImmutableArray<Offer> Offers { get; set; } = [.. offers];

    public FrozenSet<AccountId> OnlyFor { get; set; } = FrozenSet<AccountId>.Empty;

    /// <summary>Answer to an allocation call when none is queued.</summary>
    public AllocateAnswer Otherwise { get; set; } = AllocateAnswer.Succeed;

    /// <summary>
    /// Answer to an allocation call by its key when none is queued; null uses <see cref="Otherwise"/>.
    /// </summary>
    public Func<AllocationKey, AllocateAnswer>? AnswerFor { get; set; }

    /// <summary>Answer to a release call when none is queued.</summary>
    public Func<AllocationKey, ReleaseAnswer> OtherwiseRelease { get; set; } = _ => ReleaseAnswer.Release;

    /// <summary>While true, listing offers throws.</summary>
    public bool ListingFails { get; set; }

    /// <summary>While true, changes are not pushed: only calls and the sweep report them.</summary>
    public bool IsSilent { get; set; }

    /// <summary>Current allocations: the true state.</summary>
    public ImmutableArray<Allocation> Held => Locked(() => _held.Values.ToImmutableArray());

    /// <summary>Every machine ever created, in order; a repeated key was billed twice.</summary>
    public ImmutableArray<AllocationKey> Made => Locked(() => _made.ToImmutableArray());

    /// <summary>The runtime of the latest allocation call; null before the first.</summary>
    public RuntimeSpec? Started { get; private set; }

    /// <summary>Every allocation request, in order, with its secrets.</summary>
    public ImmutableArray<AllocationRequest> Requests => Locked(() => _requests.ToImmutableArray());

    /// <summary>Every allocation and release call, in order.</summary>
    public ImmutableArray<ProviderCall> Calls => Locked(() => _calls.ToImmutableArray());

    /// <summary>Output of its runtimes; with null, reading it fails.</summary>
    public string? Output { get; set; } = "";

    /// <summary>Keys of the allocation calls, in order.</summary>
    public ImmutableArray<AllocationKey> Asked =>
        [.. Calls.Where(call => call.Verb == "Allocate").Select(call => call.Key)];

    /// <summary>Counts the calls of one case and makes one of them fail, independently of other cases.</summary>
    public void Watch(StepFaults steps)
    {
        lock (_lock)
        {
            _cases.Add(steps);
        }
    }

    /// <summary>Queues answers for the next allocation calls.</summary>
    public void NextAllocate(params ReadOnlySpan<AllocateAnswer> answers)
    {
        lock (_lock)
        {
            foreach (var answer in answers)
            {
                _nextAllocate.Enqueue(answer);
            }
        }
    }

    /// <summary>Queues answers for the next release calls.</summary>
    public void NextRelease(params ReadOnlySpan<ReleaseAnswer> answers)
    {
        lock (_lock)
        {
            foreach (var answer in answers)
            {
                _nextRelease.Enqueue(answer);
            }
        }
    }

    /// <summary>Completes a call that waits to answer late.</summary>
    public void DeliverLate(AllocationKey key) => Locked(() => LateOf(key)).TrySetResult();

    /// <summary>Adds an allocation that no call of this process created.</summary>
    public void Plant(Allocation allocation)
    {
        ArgumentNullException.ThrowIfNull(allocation);
        lock (_lock)
        {
            _held[allocation.Key] = allocation;
        }
    }

    /// <summary>Removes an allocation without a notification.</summary>
    public void Vanish(AllocationKey key)
    {
        lock (_lock)
        {
            _held.Remove(key);
        }
    }

    public void BecomeReady(AllocationKey key) =>
        Change(key, held => held with { Status = AllocationStatus.Ready, Endpoint = EndpointOf(key) });

    public void Exit(AllocationKey key, RuntimeExit exit) =>
        Change(key, held => held with { Status = AllocationStatus.Exited, Exit = exit });

    /// <summary>The runtime stopped answering its health check.</summary>
    public void BecomeUnhealthy(AllocationKey key) =>
        Change(key, held => held with { Status = AllocationStatus.Unhealthy });

    public void Preempt(AllocationKey key) => Change(key, held => held with { Status = AllocationStatus.Preempted });

    public Task<OfferListing> ListOffersAsync(CancellationToken cancellationToken) =>
        ListingFails
            ? Task.FromException<OfferListing>(new HttpRequestException("The price list is unavailable."))
            : Task.FromResult(new OfferListing(Offers, ImmutableSortedDictionary<string, int>.Empty));

    public async Task<AllocateOutcome> AllocateAsync(AllocationRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        return await StepAsync("Allocate", request.Key, () => AnswerAsync(request, cancellationToken));
    }

    private async Task<AllocateOutcome> AnswerAsync(AllocationRequest request, CancellationToken cancellationToken)
    {
        var answer = Locked(() =>
        {
            _calls.Add(new ProviderCall("Allocate", request.Key, request.Offer.Region));
            Started = request.Runtime;
            _requests.Add(request);
            return _nextAllocate.TryDequeue(out var next) ? next : AnswerFor?.Invoke(request.Key) ?? Otherwise;
        });
        switch (answer.Behaviour)
        {
            case AllocateBehaviour.Give:
                return AllocateOutcome.Allocated(Give(request, answer.Status));
            case AllocateBehaviour.Reject:
                return AllocateOutcome.Rejected(answer.Rejection!.Kind, answer.Rejection.ProviderWords);
            case AllocateBehaviour.Hang:
                await _never.Task.WaitAsync(cancellationToken);
                throw new System.Diagnostics.UnreachableException();
            case AllocateBehaviour.Late:
                await Locked(() => LateOf(request.Key)).Task;
                return AllocateOutcome.Allocated(Give(request, answer.Status));
            case AllocateBehaviour.ThrowBefore:
                throw new HttpRequestException("The connection was refused.");
            case AllocateBehaviour.ThrowAfter:
                Give(request, answer.Status);
                throw new HttpRequestException("The connection was interrupted before the answer.");
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    public Task<Allocation?> FindAsync(AllocationKey key, CancellationToken cancellationToken) =>
        StepAsync("Find", key, () => Task.FromResult(Locked(() => _held.GetValueOrDefault(key))));

    public Task<string> ReadOutputAsync(AllocationKey key, CancellationToken cancellationToken) =>
        StepAsync("ReadOutput", key, () => Task.FromResult(OutputOf(key)));

    public Task<IReadOnlyList<Allocation>> ListAllocationsAsync(string cluster, CancellationToken cancellationToken) =>
        Task.FromResult(
            Locked<IReadOnlyList<Allocation>>(() => [.. _held.Values.Where(held => held.Tag.Cluster == cluster)])
        );

    public Task<ReleaseOutcome> ReleaseAsync(AllocationKey key, CancellationToken cancellationToken) =>
        StepAsync("Release", key, () => ReleasedAsync(key));

    private string OutputOf(AllocationKey key) =>
        Output is not { } output ? throw new HttpRequestException("The connection was refused.")
        : Locked(() => _held.ContainsKey(key)) ? output
        : "";

    private async Task<ReleaseOutcome> ReleasedAsync(AllocationKey key)
    {
        var answer = Locked(() =>
        {
            _calls.Add(new ProviderCall("Release", key, null));
            return _nextRelease.TryDequeue(out var next) ? next : OtherwiseRelease(key);
        });
        switch (answer)
        {
            case ReleaseAnswer.Release:
                Vanish(key);
                return ReleaseOutcome.Released;
            case ReleaseAnswer.Pending:
                return ReleaseOutcome.Pending;
            case ReleaseAnswer.ThrowBefore:
                throw new HttpRequestException("The connection was refused.");
            case ReleaseAnswer.ThrowAfter:
                Vanish(key);
                throw new HttpRequestException("The connection was interrupted before the answer.");
            case ReleaseAnswer.Hang:
                await _never.Task;
                throw new System.Diagnostics.UnreachableException();
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    public async IAsyncEnumerable<Allocation> WatchAsync(
        string cluster,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        var news = Channel.CreateUnbounded<Allocation>();
        lock (_lock)
        {
            _watchers.Add(news);
        }

        try
        {
            await foreach (var seen in news.Reader.ReadAllAsync(cancellationToken))
            {
                if (seen.Tag.Cluster == cluster)
                {
                    yield return seen;
                }
            }
        }
        finally
        {
            lock (_lock)
            {
                _watchers.Remove(news);
            }
        }
    }

    private async Task<T> StepAsync<T>(string what, AllocationKey key, Func<Task<T>> answer)
    {
        var fault = Locked(() => _cases.Find(one => one.Owns(key.Value)))?.Take(what);
        switch (fault)
        {
            case StepFault.Before:
                throw new HttpRequestException("The connection was refused.");
            case StepFault.After:
                await answer();
                throw new HttpRequestException("The connection was interrupted before the answer.");
            case StepFault.Late:
                var late = await answer();
                await Task.Delay(Late, clock, CancellationToken.None);
                return late;
            case StepFault.Twice:
                await answer();
                return await answer();
            default:
                return await answer();
        }
    }

    private static Uri EndpointOf(AllocationKey key) => new($"http://{key}.invalid:8000/");

    private Allocation Give(AllocationRequest request, AllocationStatus status) =>
        Locked(() =>
        {
            // Promise of the port: the same key never creates a second machine.
            if (_held.TryGetValue(request.Key, out var held))
            {
                return held;
            }

            if (_made.Contains(request.Key))
            {
                throw new HttpRequestException("The machine of this key no longer exists.");
            }

            _made.Add(request.Key);
            return _held[request.Key] = new Allocation
            {
                Key = request.Key,
                Tag = request.Tag,
                ProviderAllocationId = $"vm-{_made.Count}",
                Status = status,
                Endpoint = status == AllocationStatus.Ready ? EndpointOf(request.Key) : null,
                CreatedAt = clock.GetUtcNow(),
            };
        });

    private void Change(AllocationKey key, Func<Allocation, Allocation> change)
    {
        lock (_lock)
        {
            var seen = _held[key] = change(_held[key]);
            if (!IsSilent)
            {
                _watchers.ForEach(watcher => watcher.Writer.TryWrite(seen));
            }
        }
    }

    private TaskCompletionSource LateOf(AllocationKey key) =>
        _late.TryGetValue(key, out var late)
            ? late
            : _late[key] = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    private T Locked<T>(Func<T> what)
    {
        lock (_lock)
        {
            return what();
        }
    }
}
