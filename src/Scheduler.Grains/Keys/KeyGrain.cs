using System.Collections.Immutable;
using System.Diagnostics;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Events;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Keys;
using Scheduler.Grains.Billing;

namespace Scheduler.Grains.Keys;

/// <summary>One API key: decide, record, act. Answers only with the recorded state.</summary>
[GrainType("key")]
internal sealed class KeyGrain(
    IGrainContext context,
    [PersistentState("key", GrainStorageNames.Database)] IPersistentState<KeyRecord> state,
    KeyAuthority authority,
    IGrainFactory grains,
    TimeProvider clock
) : IGrainBase, IKeyGrain
{
    private static readonly TimeSpan TouchEvery = TimeSpan.FromMinutes(1);

    private readonly Recorded<KeyRecord> _key = new(state);

    public IGrainContext GrainContext => context;

    private string KeyId => context.GrainId.Key.ToString()!;

    public Task OnActivateAsync(CancellationToken token)
    {
        return _key.Value.SchemaVersion > KeyRecord.CurrentSchemaVersion
            ? throw new NotSupportedException(
                $"Key {KeyId} was stored in shape {_key.Value.SchemaVersion}; this version reads up to {KeyRecord.CurrentSchemaVersion}."
            )
            : Task.CompletedTask;
    }

    public async Task<Answer<KeyRecord>> CreateAsync(CreateKey command, CommandContext context)
    {
        if (_key.Value.Exists)
        {
            return
                _key.Value.Account == command.Account
                && _key.Value.Role == command.Role
                && string.Equals(_key.Value.SecretSha256, command.SecretSha256, StringComparison.Ordinal)
                ? _key.Value
                : Refusal.Exists($"{KeyId} exists already.");
        }

        // An operator's key belongs to no account.
        return command.Account is { } account
            ? await grains.WithinQuotaAsync(
                account,
                new QuotaClaim(Quota.Keys, KeyId),
                () => RecordCreatedAsync(command, context)
            )
            : await RecordCreatedAsync(command, context);
    }

    private async Task<Answer<KeyRecord>> RecordCreatedAsync(CreateKey command, CommandContext context)
    {
        var now = clock.Now();
        var key = new KeyRecord
        {
            Id = KeyId,
            Account = command.Account,
            DisplayName = command.DisplayName,
            SecretSha256 = command.SecretSha256,
            CreatedAt = now,
            Role = command.Role,
        };
        var created = Event("KeyCreated", WhatWasCreated(command.Role), now, context) with
        {
            Data = ImmutableSortedDictionary<string, string>.Empty.Add("role", command.Role.ToString()),
        };
        await RecordAsync(key, created);
        return _key.Value;
    }

    public Task<Answer<KeyRecord>> GetAsync(AccountId? account) =>
        Task.FromResult(IsVisibleTo(account) ? _key.Value : NotFound());

    public async Task<Answer<KeyRecord>> RevokeAsync(CommandContext context)
    {
        if (!IsVisibleTo(context.Account))
        {
            return NotFound();
        }

        if (_key.Value.RevokedAt is null)
        {
            var now = clock.Now();
            await RecordAsync(
                _key.Value with
                {
                    RevokedAt = now,
                },
                Event("KeyRevoked", "The key was revoked for good.", now, context)
            );
        }

        authority.RecordRevoked(_key.Value);
        return _key.Value;
    }

    public async Task BeginSessionAsync(KeySession session)
    {
        if (_key.Value is { Exists: true, RevokedAt: null })
        {
            await RecordAsync(_key.Value.WithSession(session, clock.Now()), null);
        }
    }

    public async Task<Answer<KeyRecord>> EndSessionsAsync(ImmutableArray<string> ids, CommandContext context)
    {
        if (!IsVisibleTo(context.Account))
        {
            return NotFound();
        }

        var now = clock.Now();
        var open = _key.Value.SessionsAt(now);
        ImmutableArray<string> ending =
        [
            .. open.Select(one => one.Id).Where(id => ids.IsEmpty || ids.Contains(id, StringComparer.Ordinal)),
        ];
        if (!ending.IsEmpty)
        {
            await RecordAsync(
                _key.Value.WithoutSessions(ending, now),
                Event("SessionsEnded", $"{ending.Length} of {open.Length} sessions were ended.", now, context)
            );
        }

        authority.RecordEndedSessions(_key.Value);
        return _key.Value;
    }

    public async Task<Answer<KeyRecord>> EndSessionAsync(KeySession session)
    {
        if (!_key.Value.Exists)
        {
            return NotFound();
        }

        var (now, ended) = (clock.Now(), _key.Value.EndedSessions ?? EndedSessions.None);
        if (session.EndsAt > now && !ended.Contains(session))
        {
            // The shape follows the content: an older build must see that it cannot read it.
            var next = _key.Value.WithoutSessions([session.Id], now) with
            {
                EndedSessions = ended.With(session, now),
            };
            await RecordAsync(next, null);
        }

        return _key.Value;
    }

    public async Task TouchAsync(DateTimeOffset usedAt)
    {
        if (
            _key.Value.Exists
            && _key.Value.RevokedAt is null
            && usedAt - (_key.Value.LastUsedAt ?? DateTimeOffset.MinValue) >= TouchEvery
        )
        {
            await RecordAsync(_key.Value with { LastUsedAt = usedAt }, null);
        }
    }

    private bool IsVisibleTo(AccountId? account) =>
        _key.Value.Exists && (account is null || _key.Value.Account == account);

    private Answer<KeyRecord> NotFound()
    {
        if (!_key.Value.Exists)
        {
            // Guessed ids must not fill the memory with activations.
            this.DeactivateOnIdle();
        }

        return Refusal.NotFound(KeyId);
    }

    private static string WhatWasCreated(KeyRole role) =>
        role switch
        {
            KeyRole.Full => "A key was created.",
            KeyRole.Viewer => "A viewer's key was created.",
            _ => throw new UnreachableException(),
        };

    private StoredEvent Event(string verb, string reason, DateTimeOffset now, CommandContext under) =>
        new()
        {
            Sequence = _key.Value.LastSequence + 1,
            At = now,
            Trigger = verb,
            Reason = reason,
            RequestId = under.RequestId,
            Actor = under.Actor,
        };

    private async Task RecordAsync(KeyRecord next, StoredEvent? happened)
    {
        ImmutableArray<StoredEvent> events = happened is null ? [] : [happened];
        await _key.WriteAsync(
            next with
            {
                Events = events,
                LastSequence = _key.Value.LastSequence + events.Length,
            },
            this
        );
    }
}
