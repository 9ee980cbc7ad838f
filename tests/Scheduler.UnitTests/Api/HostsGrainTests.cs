using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Time.Testing;
using Scheduler.Domain.Hosts;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Secrets;
using Scheduler.Grains;
using Scheduler.Grains.Hosts;
using Xunit;

namespace Scheduler.UnitTests.Api;

/// <summary>Tokens, joins, certificates and removals of hosts.</summary>
public sealed class HostsGrainTests
{
    private static readonly CommandContext Context = new(new RequestId("req-1"), "key:key-x", null);

    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));
    private readonly FakeHostProbe _probe = new();
    private readonly HostsGrain _grain;

    public HostsGrainTests() => _grain = FakeHosts.New(_clock, _probe);

    [Fact]
    public async Task A_host_joins_with_a_token_and_gets_a_certificate_of_the_authority_that_the_token_names()
    {
        var token = await TokenAsync();
        var (_, request) = HostAuthority.NewRequest("gpu-1");

        var grant = (await JoinAsync(token, "gpu-1", request)).Value!;

        Assert.Equal(token.Authority, HostAuthority.Fingerprint(grant.Authority));
        using var certificate = X509Certificate2.CreateFromPem(grant.Certificate);
        using var authority = X509Certificate2.CreateFromPem(grant.Authority);
        Assert.True(HostAuthority.IsHost(certificate, authority, "gpu-1", _clock.GetUtcNow()));
        Assert.False(HostAuthority.IsHost(certificate, authority, "gpu-2", _clock.GetUtcNow()));
        Assert.False(HostAuthority.IsScheduler(certificate, authority, _clock.GetUtcNow()));
        Assert.False(
            HostAuthority.IsHost(certificate, authority, "gpu-1", _clock.GetUtcNow() + HostAuthority.HostValidity * 2)
        );
        var host = Assert.Single(await _grain.ListAsync()).Host;
        Assert.Equal(("gpu-1", "https://10.0.0.1:5090/", token.Id), (host.Name, host.Address, host.TokenId));
    }

    [Fact]
    public async Task A_token_is_used_as_often_as_it_may_be()
    {
        var token = await TokenAsync(uses: 2);

        Assert.True((await JoinAsync(token, "gpu-1")).IsOk);
        Assert.True((await JoinAsync(token, "gpu-2")).IsOk);
        AssertRefused("token", await JoinAsync(token, "gpu-3"));

        Assert.Empty(await _grain.ListTokensAsync());
    }

    [Fact]
    public async Task A_join_whose_answer_was_lost_is_repeated_with_the_used_token()
    {
        var token = await TokenAsync();
        var (_, request) = HostAuthority.NewRequest("gpu-1");

        await JoinAsync(token, "gpu-1", request);

        Assert.True((await JoinAsync(token, "gpu-1", request)).IsOk);
        Assert.Single(await _grain.ListAsync());
        AssertRefused("token", await JoinAsync(token, "gpu-1"));
    }

    [Fact]
    public async Task An_expired_deleted_or_wrong_token_is_refused()
    {
        var expired = await TokenAsync();
        _clock.Advance(TimeSpan.FromHours(1));
        var deleted = await TokenAsync();
        Assert.True((await _grain.DeleteTokenAsync(deleted.Id, Context)).IsOk);
        var wrong = await TokenAsync();

        AssertRefused("token", await JoinAsync(expired, "gpu-1"));
        AssertRefused("token", await JoinAsync(deleted, "gpu-1"));
        AssertRefused("token", await JoinAsync(wrong with { Secret = JoinToken.NewSecret() }, "gpu-1"));
        Assert.Equal(wrong.Id, Assert.Single(await _grain.ListTokensAsync()).Id);
        Assert.Empty(await _grain.ListAsync());
    }

    [Fact]
    public async Task A_name_is_taken_until_its_host_is_removed()
    {
        var token = await TokenAsync(uses: 3);
        await JoinAsync(token, "gpu-1");

        Assert.Equal(RefusalKind.AlreadyExists, (await JoinAsync(token, "gpu-1")).Refusal?.Kind);
        await _grain.RemoveAsync("gpu-1", force: true, Context);

        Assert.True((await JoinAsync(token, "gpu-1")).IsOk);
    }

    [Theory]
    [InlineData("GPU 1", "https://10.0.0.1:5090", "host_id")]
    [InlineData("gpu-1", "http://10.0.0.1:5090", "address")]
    [InlineData("gpu-1", "https://10.0.0.1:5090/path", "address")]
    [InlineData("gpu-1", "https://user@10.0.0.1:5090", "address")]
    public async Task A_join_with_an_invalid_name_or_address_is_refused(string name, string address, string field)
    {
        var token = await TokenAsync();

        AssertRefused(field, await JoinAsync(token, name, address: address));
        Assert.True((await JoinAsync(token, "gpu-2")).IsOk);
    }

    [Fact]
    public async Task A_drained_host_without_allocations_is_removed_and_others_only_by_force()
    {
        var token = await TokenAsync(uses: 3);
        await JoinAsync(token, "gpu-1");

        Assert.Equal("IN_PLACEMENT", (await _grain.RemoveAsync("gpu-1", false, Context)).Refusal?.State);
        var drained = await _grain.DrainAsync("gpu-1", "fan", Context);
        Assert.Equal(("key:key-x", "fan"), (drained.Value?.Host.Drain?.Actor, drained.Value?.Host.Drain?.Reason));
        _probe.Status = _probe.Status with { Allocations = ["i-a-r1-a1"] };
        Assert.Equal("IN_USE", (await _grain.RemoveAsync("gpu-1", false, Context)).Refusal?.State);
        _probe.Status = new HostStatus { Reach = HostReach.Silent };
        Assert.Equal("NOT_REACHABLE", (await _grain.RemoveAsync("gpu-1", false, Context)).Refusal?.State);
        _probe.Status = new HostStatus { Reach = HostReach.Reachable };
        Assert.True((await _grain.RemoveAsync("gpu-1", false, Context)).IsOk);

        Assert.Equal(RefusalKind.NotFound, (await _grain.RemoveAsync("gpu-1", true, Context)).Refusal?.Kind);
        await JoinAsync(token, "gpu-2");
        Assert.True((await _grain.RemoveAsync("gpu-2", true, Context)).IsOk);
    }

    [Fact]
    public async Task Only_a_joined_host_gets_another_certificate()
    {
        await JoinAsync(await TokenAsync(), "gpu-1");
        var (_, request) = HostAuthority.NewRequest("whatever it asks for");
        _clock.Advance(TimeSpan.FromDays(60));

        var renewed = await _grain.RenewAsync("gpu-1", request);

        using var certificate = X509Certificate2.CreateFromPem(renewed);
        using var authority = X509Certificate2.CreateFromPem((await _grain.ReadTrustAsync()).Authority);
        Assert.True(HostAuthority.IsHost(certificate, authority, "gpu-1", _clock.GetUtcNow() + TimeSpan.FromDays(89)));
        Assert.Null(await _grain.RenewAsync("gpu-2", request));
        Assert.Null(await _grain.RenewAsync("gpu-1", "nonsense"));
    }

    [Fact]
    public async Task No_token_is_made_without_a_master_key_or_without_the_provider()
    {
        var keyless = FakeHosts.New(_clock, _probe, new UnsetVault());

        Assert.Equal("NO_MASTER_KEY", (await CreateAsync(keyless)).Refusal?.State);
        _probe.IsEnabled = false;
        Assert.Equal("WORKERS_OFF", (await CreateAsync(_grain)).Refusal?.State);
    }

    [Fact]
    public async Task INV_13_neither_secret_nor_private_key_is_stored_in_clear()
    {
        var token = await TokenAsync();
        await JoinAsync(token, "gpu-1");

        var trust = await _grain.ReadTrustAsync();

        Assert.DoesNotContain("PRIVATE", trust.AuthorityKey!.ToString());
        Assert.DoesNotContain(token.Secret, token.ToString());
        Assert.NotEqual(token.Secret, JoinToken.Fingerprint(token.Secret));
    }

    private static Task<Answer<JoinTokenView>> CreateAsync(HostsGrain grain) =>
        grain.CreateTokenAsync(JoinToken.NewId(), new string('0', 64), 1, TimeSpan.FromHours(1), Context);

    private async Task<JoinToken> TokenAsync(int uses = 1)
    {
        var (id, secret) = (JoinToken.NewId(), JoinToken.NewSecret());
        var view = await _grain.CreateTokenAsync(
            id,
            JoinToken.Fingerprint(secret),
            uses,
            TimeSpan.FromHours(1),
            Context
        );
        var token = new JoinToken(id, secret, view.Value!.Authority);
        Assert.Equal(token, JoinToken.Parse(token.Reveal()));
        return token;
    }

    private Task<Answer<HostGrant>> JoinAsync(
        JoinToken token,
        string name,
        string? request = null,
        string address = "https://10.0.0.1:5090/"
    ) =>
        _grain.JoinAsync(
            new HostJoin(
                token.Id,
                JoinToken.Fingerprint(token.Secret),
                name,
                address,
                request ?? HostAuthority.NewRequest(name).Request
            ),
            Context
        );

    private static void AssertRefused(string field, Answer<HostGrant> answer)
    {
        Assert.Equal(RefusalKind.Invalid, answer.Refusal?.Kind);
        Assert.Equal(field, Assert.Single(answer.Refusal!.Faults).Field);
    }
}
