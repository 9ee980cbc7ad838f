using System.Reflection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Keys;
using Scheduler.Grains;
using Scheduler.Grains.Keys;
using Xunit;

namespace Scheduler.UnitTests.Api;

public sealed class KeyGrainTests
{
    private static readonly AccountId A = new("acct-a");
    private static readonly CommandContext Context = new(new RequestId("req-1"), "key:key-x", A);
    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));
    private readonly FakeState _state = new();
    private readonly ContextProxy _context;
    private readonly KeyToken _token = KeyAuthority.NewToken();
    private readonly KeyAuthority _authority;
    private readonly KeyGrain _grain;

    public KeyGrainTests()
    {
        var context = DispatchProxy.Create<IGrainContext, ContextProxy>();
        _context = (ContextProxy)(object)context;
        _context.Id = GrainId.Create("key", _token.KeyId);
        var cluster = new FakeCluster();
        _authority = new KeyAuthority(cluster, _clock, NullLogger<KeyAuthority>.Instance);
        _grain = new KeyGrain(context, _state, _authority, cluster, _clock);
    }

    [Fact]
    public async Task Each_command_adds_one_event_with_the_next_sequence_number()
    {
        await CreateAsync();
        Assert.Equal((1, "KeyCreated"), Single());
        await _grain.TouchAsync(_clock.GetUtcNow());
        Assert.Empty(_state.State.Events);
        await _grain.RevokeAsync(Context);
        Assert.Equal((2, "KeyRevoked"), Single());
        Assert.Equal("req-1", _state.State.Events[0].RequestId.Value);
        var writes = _state.Writes;
        await _grain.RevokeAsync(Context);
        await _grain.TouchAsync(_clock.GetUtcNow() + TimeSpan.FromHours(1));
        Assert.Equal(writes, _state.Writes);
    }

    [Fact]
    public async Task A_repeated_create_is_accepted_and_a_different_one_is_refused()
    {
        var first = await CreateAsync();
        var again = await CreateAsync();
        Assert.Equal(first.Value, again.Value);
        var other = await _grain.CreateAsync(new CreateKey(A, "", new string('0', 64)), Context);
        Assert.Equal(RefusalKind.AlreadyExists, other.Refusal?.Kind);
    }

    [Theory]
    [InlineData(KeyRole.Full)]
    [InlineData(KeyRole.Viewer)]
    public async Task The_first_event_contains_the_role(KeyRole role)
    {
        await CreateAsync(role);
        Assert.Equal(role, _state.State.Role);
        Assert.Equal(role.ToString(), Assert.Single(_state.State.Events).Data["role"]);
    }

    [Theory]
    [InlineData(KeyRole.Full, KeyRole.Viewer)]
    [InlineData(KeyRole.Viewer, KeyRole.Full)]
    public async Task A_repeated_create_with_another_role_is_refused_and_changes_nothing(KeyRole first, KeyRole then)
    {
        await CreateAsync(first);
        Assert.Equal(RefusalKind.AlreadyExists, (await CreateAsync(then)).Refusal?.Kind);
        Assert.Equal((first, 1), (_state.State.Role, _state.Writes));
    }

    [Fact]
    public async Task A_revocation_that_cannot_be_stored_is_not_shown_and_ends_the_activation()
    {
        await CreateAsync();
        _state.Fails = true;
        await Assert.ThrowsAsync<InvalidOperationException>(() => _grain.RevokeAsync(Context));
        Assert.Null((await _grain.GetAsync(A)).Value?.RevokedAt);
        Assert.Null(_state.State.RevokedAt);
        Assert.True(_context.IsDeactivated);
    }

    [Fact]
    public async Task The_revoking_silo_refuses_the_key_at_once()
    {
        await CreateAsync();
        await _grain.RevokeAsync(Context);
        var verdict = await _authority.VerifyAsync($"Bearer {_token.Reveal()}");
        Assert.Equal(FailureCode.AuthRevokedToken, verdict.Failure?.Code);
    }

    [Fact]
    public async Task Another_account_can_neither_read_nor_revoke_the_key()
    {
        await CreateAsync();
        var theirs = await _grain.GetAsync(new AccountId("acct-b"));
        var revoked = await _grain.RevokeAsync(Context with { Account = new AccountId("acct-b") });
        Assert.Equal(RefusalKind.NotFound, theirs.Refusal?.Kind);
        Assert.Equal(theirs.Refusal?.Message, revoked.Refusal?.Message);
        Assert.Null(_state.State.RevokedAt);
    }

    [Fact]
    public async Task An_ended_session_is_remembered_until_it_is_over_by_itself()
    {
        await CreateAsync();
        var (short1, long2) = (Session("1", 1), Session("2", 24));
        await _grain.EndSessionAsync(short1);
        var writes = _state.Writes;
        await _grain.EndSessionAsync(short1);
        Assert.Equal(writes, _state.Writes);
        Assert.True(_state.State.EndedSessions!.Contains(short1));
        Assert.False(_state.State.EndedSessions.Contains(long2));
        Assert.Equal(KeyRecord.CurrentSchemaVersion, _state.State.SchemaVersion);
        Assert.Empty(_state.State.Events);

        _clock.Advance(TimeSpan.FromHours(1));
        await _grain.EndSessionAsync(long2);
        Assert.Equal([long2], _state.State.EndedSessions.Sessions);
    }

    [Fact]
    public async Task The_remembered_sessions_are_bounded_and_none_opens_again()
    {
        await CreateAsync();
        var all = Enumerable
            .Range(0, EndedSessions.Capacity + 10)
            .Select(i => Session($"{i}", 1 + (i / 100.0)))
            .ToList();
        foreach (var session in all)
        {
            await _grain.EndSessionAsync(session);
        }

        var ended = _state.State.EndedSessions!;
        Assert.Equal(EndedSessions.Capacity, ended.Sessions.Length);
        Assert.All(all, session => Assert.True(ended.Contains(session)));
        Assert.False(ended.Contains(Session("new", 24)));
    }

    private KeySession Session(string id, double hours) => new(id, _clock.GetUtcNow().AddHours(hours));

    [Fact]
    public async Task State_of_a_newer_schema_version_is_not_read()
    {
        _state.State = new KeyRecord { SchemaVersion = KeyRecord.CurrentSchemaVersion + 1, SecretSha256 = "00" };
        await Assert.ThrowsAsync<NotSupportedException>(() =>
            _grain.OnActivateAsync(TestContext.Current.CancellationToken)
        );
        Assert.Equal(0, _state.Writes);
    }

    private Task<Answer<KeyRecord>> CreateAsync(KeyRole role = KeyRole.Full) =>
        _grain.CreateAsync(new CreateKey(A, "ci", KeyAuthority.Fingerprint(_token), role), Context);

    private (long Sequence, string Trigger) Single()
    {
        var happened = Assert.Single(_state.State.Events);
        Assert.Equal(happened.Sequence, _state.State.LastSequence);
        return (happened.Sequence, happened.Trigger);
    }

    private sealed class FakeState : IPersistentState<KeyRecord>
    {
        public KeyRecord State { get; set; } = new();

        public string Etag => "";

        public bool RecordExists => Writes > 0;

        public bool Fails { get; set; }

        public int Writes { get; private set; }

        public Task WriteStateAsync()
        {
            if (Fails)
            {
                throw new InvalidOperationException("The store failed.");
            }

            Writes++;
            return Task.CompletedTask;
        }

        public Task ReadStateAsync() => Task.CompletedTask;

        public Task ClearStateAsync() => throw new NotSupportedException();
    }

    /// <summary>A grain context with an id that records a deactivation.</summary>
    public class ContextProxy : DispatchProxy
    {
        internal GrainId Id { get; set; }

        internal bool IsDeactivated { get; private set; }

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
        {
            switch (targetMethod?.Name)
            {
                case "get_GrainId":
                    return Id;
                case nameof(IGrainContext.Deactivate):
                    IsDeactivated = true;
                    return null;
                default:
                    throw new NotSupportedException(targetMethod?.Name);
            }
        }
    }
}
