using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;

namespace Scheduler.TestKit;

/// <summary>
/// A provider that does as it is told, records every call, and keeps the truth of what the "cloud" holds, so that a test can compare it
/// with what the grains believe.
/// </summary>
/// <param name="id">The configured name.</param>
/// <param name="clock">The provider's clock.</param>
/// <param name="offers">What it rents.</param>
public sealed class FakeProvider(string id, TimeProvider clock, params IEnumerable<Offer> offers) : IProvider
{
    /// <summary>Past every deadline of a launch.</summary>
    private static readonly TimeSpan Late = TimeSpan.FromSeconds(90);

    private readonly Lock _lock = new();
    private readonly Dictionary<AllocationKey, Allocation> _held = [];
    private readonly List<ProviderCall> _calls = [];
    private readonly List<AllocationKey> _made = [];
    private readonly Queue<AllocateAnswer> _nextAllocate = new();
    private readonly Queue<ReleaseAnswer> _nextRelease = new();
    private readonly Dictionary<AllocationKey, TaskCompletionSource> _late = [];
    private readonly List<Channel<Allocation>> _watchers = [];
    private readonly List<StepFaults> _cases = [];
    private readonly TaskCompletionSource _never = new();

    /// <inheritdoc/>
    public ProviderId Id { get; } = new(id);

    /// <summary>What it rents now.</summary>
    public ImmutableArray<Offer> Offers { get; set; } = [.. offers];

    /// <summary>What an allocation call gets when nothing is queued.</summary>
    public AllocateAnswer Otherwise { get; set; } = AllocateAnswer.Succeed;

    /// <summary>What an allocation call under a key gets when nothing is queued; null for <see cref="Otherwise"/>.</summary>
    public Func<AllocationKey, AllocateAnswer>? AnswerFor { get; set; }

    /// <summary>What a release call gets when nothing is queued.</summary>
    public Func<AllocationKey, ReleaseAnswer> OtherwiseRelease { get; set; } = _ => ReleaseAnswer.Release;

    /// <summary>While true, listing offers throws.</summary>
    public bool ListingFails { get; set; }

    /// <summary>While true, news is not pushed: only questions and the sweep tell.</summary>
    public bool IsSilent { get; set; }

    /// <summary>What is held now: the truth.</summary>
    public ImmutableArray<Allocation> Held => Locked(() => _held.Values.ToImmutableArray());

    /// <summary>Every machine ever made, in order: a key that is there twice cost twice.</summary>
    public ImmutableArray<AllocationKey> Made => Locked(() => _made.ToImmutableArray());

    /// <summary>Every allocation and release call, in order.</summary>
    public ImmutableArray<ProviderCall> Calls => Locked(() => _calls.ToImmutableArray());

    /// <summary>What its runtimes have printed; null has the question for it fail.</summary>
    public string? Output { get; set; } = "";

    /// <summary>Keys of the allocation calls, in order.</summary>
    public ImmutableArray<AllocationKey> Asked =>
        [.. Calls.Where(call => call.Verb == "Allocate").Select(call => call.Key)];

    /// <summary>Has the calls of one case counted, and one of them go wrong, whatever other cases do.</summary>
    public void Watch(StepFaults steps)
    {
        lock (_lock)
        {
            _cases.Add(steps);
        }
    }

    /// <summary>Answers for the next allocation calls.</summary>
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

    /// <summary>Answers for the next release calls.</summary>
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

    /// <summary>Lets a call that is to answer late answer now.</summary>
    public void DeliverLate(AllocationKey key) => Locked(() => LateOf(key)).TrySetResult();

    /// <summary>Puts an allocation there that nobody asked for through this process.</summary>
    public void Plant(Allocation allocation)
    {
        ArgumentNullException.ThrowIfNull(allocation);
        lock (_lock)
        {
            _held[allocation.Key] = allocation;
        }
    }

    /// <summary>Loses an allocation without a word.</summary>
    public void Vanish(AllocationKey key)
    {
        lock (_lock)
        {
            _held.Remove(key);
        }
    }

    /// <summary>The runtime became healthy.</summary>
    public void BecomeReady(AllocationKey key) =>
        Change(key, held => held with { Status = AllocationStatus.Ready, Endpoint = EndpointOf(key) });

    /// <summary>The runtime ended.</summary>
    public void Exit(AllocationKey key, RuntimeExit exit) =>
        Change(key, held => held with { Status = AllocationStatus.Exited, Exit = exit });

    /// <summary>The runtime stopped answering.</summary>
    public void BecomeUnhealthy(AllocationKey key) =>
        Change(key, held => held with { Status = AllocationStatus.Unhealthy });

    /// <summary>The capacity was taken back.</summary>
    public void Preempt(AllocationKey key) => Change(key, held => held with { Status = AllocationStatus.Preempted });

    /// <inheritdoc/>
    public Task<OfferListing> ListOffersAsync(CancellationToken cancellationToken) =>
        ListingFails
            ? Task.FromException<OfferListing>(new HttpRequestException("The price list is on fire."))
            : Task.FromResult(new OfferListing(Offers, ImmutableSortedDictionary<string, int>.Empty));

    /// <inheritdoc/>
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
                throw new HttpRequestException("The connection broke off before the answer.");
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    /// <inheritdoc/>
    public Task<Allocation?> FindAsync(AllocationKey key, CancellationToken cancellationToken) =>
        StepAsync("Find", key, () => Task.FromResult(Locked(() => _held.GetValueOrDefault(key))));

    /// <inheritdoc/>
    public Task<string> ReadOutputAsync(AllocationKey key, CancellationToken cancellationToken) =>
        StepAsync("ReadOutput", key, () => Task.FromResult(OutputOf(key)));

    /// <inheritdoc/>
    public Task<IReadOnlyList<Allocation>> ListAllocationsAsync(string cluster, CancellationToken cancellationToken) =>
        Task.FromResult(
            Locked<IReadOnlyList<Allocation>>(() => [.. _held.Values.Where(held => held.Tag.Cluster == cluster)])
        );

    /// <inheritdoc/>
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
                throw new HttpRequestException("The connection broke off before the answer.");
            case ReleaseAnswer.Hang:
                await _never.Task;
                throw new System.Diagnostics.UnreachableException();
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    /// <inheritdoc/>
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
                throw new HttpRequestException("The connection broke off before the answer.");
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
            // The promise of the port: the same key never makes a second one.
            if (_held.TryGetValue(request.Key, out var held))
            {
                return held;
            }

            if (_made.Contains(request.Key))
            {
                throw new HttpRequestException("What was made under this key is gone.");
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
