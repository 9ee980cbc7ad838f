using Scheduler.Domain.Ids;
using Scheduler.Domain.Providers;
using Scheduler.Providers.Http;

namespace Scheduler.ProviderTests.Http;

/// <summary>A vendor without an idempotency key, that a test holds in its hand.</summary>
internal sealed class FakeRental(TimeProvider clock) : IRental
{
    private readonly Lock _lock = new();
    private readonly List<Rented> _held = [];
    private int _made;

    /// <summary>What exists, listed or not.</summary>
    internal IReadOnlyList<Rented> Held
    {
        get
        {
            lock (_lock)
            {
                return [.. _held];
            }
        }
    }

    internal int Creates => _made;

    internal int Lists { get; private set; }

    internal List<string> Destroyed { get; } = [];

    /// <summary>Runs instead of a normal create request; gets the effect as a function.</summary>
    internal Func<Func<Rented>, CancellationToken, Task<CreateAnswer>>? OnCreate { get; set; }

    /// <summary>What is younger is not listed yet.</summary>
    internal TimeSpan ListLag { get; set; }

    internal Exception? ListFault { get; set; }

    internal AllocateOutcome? Refusal { get; set; }

    /// <summary>While true, destroyed things stay listed.</summary>
    internal bool DestroysSlowly { get; set; }

    public Task<IReadOnlyList<Rented>> ListAsync(CallKind kind, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Lists++;
        return ListFault is { } fault
            ? Task.FromException<IReadOnlyList<Rented>>(fault)
            : Task.FromResult<IReadOnlyList<Rented>>([
                .. Held.Where(item => item.CreatedAt + ListLag <= clock.GetUtcNow()),
            ]);
    }

    public Task<Rented?> GetAsync(string vendorId, CancellationToken cancellationToken) =>
        Task.FromResult(Held.FirstOrDefault(item => item.Id == vendorId));

    public Task<AllocateOutcome?> CheckAsync(AllocationRequest request, CancellationToken cancellationToken) =>
        Task.FromResult(Refusal);

    public RentalNotes NotesOf(AllocationRequest request) => new() { Port = 8000 };

    public Task EnterCreateAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return Task.CompletedTask;
    }

    public async Task<CreateAnswer> CreateAsync(AllocationRequest request, CancellationToken cancellationToken)
    {
        if (OnCreate is { } instead)
        {
            return await instead(() => Make(request.Tag.Cluster, request.Key), cancellationToken);
        }

        return CreateAnswer.Of(Make(request.Tag.Cluster, request.Key));
    }

    public Task DestroyAsync(string vendorId, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
        {
            Destroyed.Add(vendorId);
            if (!DestroysSlowly)
            {
                _held.RemoveAll(item => item.Id == vendorId);
            }
        }

        return Task.CompletedTask;
    }

    public Task<string> ReadOutputAsync(Rented rented, CancellationToken cancellationToken) => Task.FromResult("");

    internal void Add(Rented stray)
    {
        lock (_lock)
        {
            _held.Add(stray);
        }
    }

    internal Rented Make(string cluster, AllocationKey key)
    {
        lock (_lock)
        {
            var made = new Rented
            {
                Id = $"m-{++_made}",
                Mark = AllocationMark.Read(AllocationMark.Of(cluster, key, 255))!,
                State = RentedState.Coming,
                CreatedAt = clock.GetUtcNow(),
            };
            _held.Add(made);
            return made;
        }
    }
}
