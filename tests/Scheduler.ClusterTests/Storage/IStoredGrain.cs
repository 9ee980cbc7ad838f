using System.Collections.Immutable;
using Microsoft.Extensions.DependencyInjection;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Events;
using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Storage;

namespace Scheduler.ClusterTests.Storage;

/// <summary>Grain of the storage tests that writes any state, as a real grain does.</summary>
public interface IStoredGrain<T> : IGrainWithStringKey
{
    Task<(T State, string? Etag, bool Exists)> ReadAsync();

    Task<string?> WriteAsync(T state);

    Task<string?> WriteWithEtagAsync(T state, string? etag);

    Task ClearAsync();

    Task<Guid> ActivationAsync();

    Task ForgetAsync();
}

public abstract class StoredGrain<T>(IPersistentState<T> state) : Grain, IStoredGrain<T>
{
    private readonly Guid _activation = Guid.NewGuid();

    public Task<(T State, string? Etag, bool Exists)> ReadAsync() =>
        Task.FromResult((state.State, (string?)state.Etag, state.RecordExists));

    public async Task<string?> WriteAsync(T value)
    {
        state.State = value;
        await state.WriteStateAsync(CancellationToken.None);
        return state.Etag;
    }

    public async Task<string?> WriteWithEtagAsync(T value, string? etag)
    {
        // The bridge has no setter for the etag; its own storage interface has one.
        var storage = ServiceProvider.GetRequiredKeyedService<Orleans.Storage.IGrainStorage>("db");
        var grainState = new GrainState<T>(value) { ETag = etag! };
        await storage.WriteStateAsync(StateName, this.GetGrainId(), grainState, CancellationToken.None);
        return grainState.ETag;
    }

    public Task ClearAsync() => state.ClearStateAsync(CancellationToken.None);

    public Task<Guid> ActivationAsync() => Task.FromResult(_activation);

    public Task ForgetAsync()
    {
        DeactivateOnIdle();
        return Task.CompletedTask;
    }

    protected abstract string StateName { get; }
}

public interface IInstanceRow : IStoredGrain<InstanceRecord>;

internal sealed class InstanceRowGrain([PersistentState("instance", "db")] IPersistentState<InstanceRecord> state)
    : StoredGrain<InstanceRecord>(state),
        IInstanceRow
{
    protected override string StateName => "instance";
}

public interface IAccountRow : IStoredGrain<AccountRecord>;

internal sealed class AccountRowGrain([PersistentState("account", "db")] IPersistentState<AccountRecord> state)
    : StoredGrain<AccountRecord>(state),
        IAccountRow
{
    protected override string StateName => "account";
}

/// <summary>A state of a kind that the store does not know.</summary>
[GenerateSerializer, Alias("storage-tests.NoteRecord")]
public sealed record NoteRecord : IStoredState
{
    public const int CurrentSchemaVersion = 1;

    [Id(0)]
    public int SchemaVersion { get; init; } = CurrentSchemaVersion;

    [Id(1)]
    public string Text { get; init; } = "";

    [Id(2)]
    public DateTimeOffset? WakeAt { get; init; }

    [Id(3)]
    public ImmutableArray<StoredEvent> Events { get; init; } = [];
}

public interface INoteRow : IStoredGrain<NoteRecord>;

internal sealed class NoteRowGrain([PersistentState("note", "db")] IPersistentState<NoteRecord> state)
    : StoredGrain<NoteRecord>(state),
        INoteRow
{
    protected override string StateName => "note";
}

public interface IEvaluationsRow : IStoredGrain<EvaluationsRecord>;

internal sealed class EvaluationsRowGrain(
    [PersistentState("evaluations", "db")] IPersistentState<EvaluationsRecord> state
) : StoredGrain<EvaluationsRecord>(state), IEvaluationsRow
{
    protected override string StateName => "evaluations";
}
