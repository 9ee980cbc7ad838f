using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Keys;
using Scheduler.Grains;
using Scheduler.Grains.Keys;
using Xunit;

namespace Scheduler.UnitTests.Api;

public sealed class KeyAuthorityTests
{
    private static readonly CommandContext Context = new(new RequestId("req-t"), "test", null);
    private readonly FakeTimeProvider _clock = new();
    private readonly FakeCluster _cluster = new();
    private readonly KeyAuthority _here;
    private readonly KeyAuthority _there;

    public KeyAuthorityTests()
    {
        _here = new KeyAuthority(_cluster, _clock, NullLogger<KeyAuthority>.Instance);
        _there = new KeyAuthority(_cluster, _clock, NullLogger<KeyAuthority>.Instance);
    }

    [Theory]
    [InlineData(KeyRole.Full, true)]
    [InlineData(KeyRole.Viewer, false)]
    [InlineData((KeyRole)7, false)]
    public async Task Only_a_full_key_may_change_anything(KeyRole role, bool mayChange)
    {
        var token = await KeyAsync(role);
        var caller = (await _here.VerifyAsync($"Bearer {token.Reveal()}")).Caller;
        Assert.Equal((role, mayChange), (caller?.Role, caller?.MayChange));
    }

    [Fact]
    public async Task A_revoked_key_is_refused_by_other_silos_within_one_second()
    {
        var token = await KeyAsync();
        Assert.NotNull((await _there.VerifyAsync($"Bearer {token.Reveal()}")).Caller);
        await _cluster.Key(token.KeyId).RevokeAsync(Context);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(
            FailureCode.AuthRevokedToken,
            (await _there.VerifyAsync($"Bearer {token.Reveal()}")).Failure?.Code
        );
    }

    [Fact]
    public async Task An_older_answer_never_replaces_a_known_revocation()
    {
        var token = await KeyAsync();
        await _here.VerifyAsync($"Bearer {token.Reveal()}");
        _here.RecordRevoked(((FakeKey)_cluster.Key(token.KeyId)).Record with { RevokedAt = _clock.GetUtcNow() });
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(
                FailureCode.AuthRevokedToken,
                (await _here.VerifyAsync($"Bearer {token.Reveal()}")).Failure?.Code
            );
            _clock.Advance(TimeSpan.FromSeconds(2));
        }
    }

    [Fact]
    public async Task The_key_grain_is_called_at_most_once_a_second_also_for_unknown_keys()
    {
        var token = KeyAuthority.NewToken();
        for (var i = 0; i < 5; i++)
        {
            await _here.VerifyAsync($"Bearer {token.Reveal()}");
        }

        Assert.Single(_cluster.Calls);
    }

    [Fact]
    public async Task The_last_use_is_recorded_once_a_minute()
    {
        var token = await KeyAsync();
        var key = (FakeKey)_cluster.Key(token.KeyId);
        await _here.VerifyAsync($"Bearer {token.Reveal()}");
        var first = key.Record.LastUsedAt;
        Assert.Equal(_clock.GetUtcNow(), first);
        _clock.Advance(TimeSpan.FromSeconds(30));
        await _here.VerifyAsync($"Bearer {token.Reveal()}");
        Assert.Equal(first, key.Record.LastUsedAt);
        _clock.Advance(TimeSpan.FromSeconds(31));
        await _here.VerifyAsync($"Bearer {token.Reveal()}");
        Assert.Equal(_clock.GetUtcNow(), key.Record.LastUsedAt);
    }

    [Fact]
    public void A_token_parses_to_itself_and_its_text_hides_the_secret()
    {
        for (var i = 0; i < 100; i++)
        {
            var token = KeyAuthority.NewToken();
            Assert.True(KeyToken.TryParse(token.Reveal(), out var read));
            Assert.Equal(token, read);
            Assert.DoesNotContain(token.Secret, token.ToString());
        }
    }

    private async Task<KeyToken> KeyAsync(KeyRole role = KeyRole.Full)
    {
        var token = KeyAuthority.NewToken();
        await _cluster
            .Key(token.KeyId)
            .CreateAsync(new CreateKey(null, "", KeyAuthority.Fingerprint(token), role), Context);
        return token;
    }
}
