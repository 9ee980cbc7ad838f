using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Scheduler.Domain.Events;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Keys;

namespace Scheduler.Grains.Keys;

/// <summary>One API key: decide, record, act. What it answers is what was recorded, never what is about to be.</summary>
[GrainType("key")]
internal sealed partial class KeyGrain(
    IGrainContext context,
    [PersistentState("key", "db")] IPersistentState<KeyRecord> state,
    KeyAuthority authority,
    TimeProvider clock,
    ILogger<KeyGrain> logger
) : IGrainBase, IKeyGrain
{
    private static readonly TimeSpan TouchEvery = TimeSpan.FromMinutes(1);

    private KeyRecord _key = new();

    /// <inheritdoc/>
    public IGrainContext GrainContext => context;

    private string KeyId => context.GrainId.Key.ToString()!;

    /// <inheritdoc/>
    public Task OnActivateAsync(CancellationToken token)
    {
        _key = state.State;
        return _key.SchemaVersion > KeyRecord.CurrentSchemaVersion
            ? throw new NotSupportedException(
                $"Key {KeyId} was stored in shape {_key.SchemaVersion}; this version reads up to {KeyRecord.CurrentSchemaVersion}."
            )
            : Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task<Answer<KeyRecord>> CreateAsync(CreateKey command, CommandContext context)
    {
        if (_key.Exists)
        {
            return
                _key.Account == command.Account
                && string.Equals(_key.SecretSha256, command.SecretSha256, StringComparison.Ordinal)
                ? _key
                : Refusal.Exists($"{KeyId} exists already.");
        }

        var now = clock.GetUtcNow();
        var key = new KeyRecord
        {
            Id = KeyId,
            Account = command.Account,
            DisplayName = command.DisplayName,
            SecretSha256 = command.SecretSha256,
            CreatedAt = now,
        };
        await RecordAsync(key, Event("KeyCreated", "A key was created.", now, context));
        return _key;
    }

    /// <inheritdoc/>
    public Task<Answer<KeyRecord>> GetAsync(AccountId? account) =>
        Task.FromResult(IsVisibleTo(account) ? _key : NotFound());

    /// <inheritdoc/>
    public async Task<Answer<KeyRecord>> RevokeAsync(CommandContext context)
    {
        if (!IsVisibleTo(context.Account))
        {
            return NotFound();
        }

        if (_key.RevokedAt is null)
        {
            var now = clock.GetUtcNow();
            await RecordAsync(
                _key with
                {
                    RevokedAt = now,
                },
                Event("KeyRevoked", "The key was revoked for good.", now, context)
            );
        }

        authority.NoteRevoked(_key);
        return _key;
    }

    /// <inheritdoc/>
    public async Task TouchAsync(DateTimeOffset usedAt)
    {
        if (
            _key.Exists
            && _key.RevokedAt is null
            && usedAt - (_key.LastUsedAt ?? DateTimeOffset.MinValue) >= TouchEvery
        )
        {
            await RecordAsync(_key with { LastUsedAt = usedAt }, null);
        }
    }

    private bool IsVisibleTo(AccountId? account) => _key.Exists && (account is null || _key.Account == account);

    private Answer<KeyRecord> NotFound()
    {
        if (!_key.Exists)
        {
            // Whoever guesses ids must not fill the memory.
            this.DeactivateOnIdle();
        }

        return Refusal.NotFound(KeyId);
    }

    private StoredEvent Event(string verb, string reason, DateTimeOffset now, CommandContext under) =>
        new()
        {
            Sequence = _key.LastSequence + 1,
            At = now,
            Trigger = verb,
            Reason = reason,
            RequestId = under.RequestId,
            Actor = under.Actor,
        };

    private async Task RecordAsync(KeyRecord next, StoredEvent? happened)
    {
        ImmutableArray<StoredEvent> events = happened is null ? [] : [happened];
        state.State = next with { Events = events, LastSequence = _key.LastSequence + events.Length };
        try
        {
            await state.WriteStateAsync();
        }
        catch (Exception e)
        {
            // Whether it was written is unknown: put the old record back and let the next activation read the truth.
            state.State = _key;
            LogWriteFailed(e, KeyId);
            this.DeactivateOnIdle();
            throw;
        }

        _key = state.State;
    }
}
