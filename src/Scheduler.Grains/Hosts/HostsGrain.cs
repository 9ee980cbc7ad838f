using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Scheduler.Domain.Hosts;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Secrets;

namespace Scheduler.Grains.Hosts;

/// <summary>The joined hosts: decide, record; see <see cref="HostDecisions"/>.</summary>
[GrainType("hosts")]
internal sealed class HostsGrain(
    IGrainContext context,
    [PersistentState("hosts", GrainStorageNames.Database)] IPersistentState<HostSet> state,
    ISecretVault vault,
    IHostProbe probe,
    TimeProvider clock
) : IGrainBase, IHostsGrain
{
    private readonly Recorded<HostSet> _set = new(state);

    public IGrainContext GrainContext => context;

    private HostSet Set => _set.Value;

    public async Task<Answer<JoinTokenView>> CreateTokenAsync(
        string id,
        string fingerprint,
        int maxUses,
        TimeSpan validFor,
        CommandContext context
    )
    {
        if (NotPossible() is { } refusal)
        {
            return refusal;
        }

        var now = clock.Now();
        if (Set.Tokens.Count(token => token.IsUsable(now)) >= HostSet.MostTokens)
        {
            return Refusal.Invalid(
                new FieldFault(
                    "max_uses",
                    $"There are {HostSet.MostTokens} join tokens; delete one that is not needed."
                )
            );
        }

        if (Set.Authority is null)
        {
            var (certificate, key) = HostAuthority.Make(now);
            var sealedKey = vault.Seal(key, SecretBinding.OfHostAuthority());
            await _set.WriteAsync(HostDecisions.SetAuthority(Set, certificate, sealedKey, CauseOf(context)), this);
        }

        var token = new StoredJoinToken
        {
            Id = id,
            Fingerprint = fingerprint,
            CreatedAt = now,
            ExpiresAt = now + validFor,
            MaxUses = maxUses,
            Actor = context.Actor,
        };
        await _set.WriteAsync(HostDecisions.AddToken(Set, token, CauseOf(context)), this);
        return ViewOf(token);
    }

    public async Task<Answer<JoinTokenView>> DeleteTokenAsync(string id, CommandContext context)
    {
        if (Set.Tokens.FirstOrDefault(token => token.Id == id) is not { } token)
        {
            return Refusal.NotFound("Join token");
        }

        await _set.WriteAsync(HostDecisions.RemoveToken(Set, id, CauseOf(context)), this);
        return ViewOf(token);
    }

    public Task<ImmutableArray<JoinTokenView>> ListTokensAsync()
    {
        var now = clock.Now();
        return Task.FromResult<ImmutableArray<JoinTokenView>>([
            .. Set.Tokens.Where(token => token.IsUsable(now)).Select(ViewOf),
        ]);
    }

    public async Task<Answer<HostGrant>> JoinAsync(HostJoin join, CommandContext context)
    {
        if (NotPossible() is { } refusal)
        {
            return refusal;
        }

        var faults = FaultsOf(join).ToList();
        if (HostAuthority.KeyFingerprint(join.Request) is not { } key)
        {
            faults.Add(
                new FieldFault("certificate_request", "Must be a certificate request in PEM, signed by its key.")
            );
            return Refusal.Invalid(faults);
        }

        var known = Set.Find(join.Name);
        if (known is not null && known.KeyFingerprint == key && known.TokenId == join.TokenId)
        {
            // The answer to the first request was lost. Only the holder of the key can use the certificate.
            return GrantOf(join.Request, join.Name);
        }

        if (!IsUsable(join))
        {
            faults.Add(new FieldFault("token", "Is no join token that can be used: unknown, expired or used up."));
        }

        if (faults.Count > 0)
        {
            return Refusal.Invalid(faults);
        }

        if (known is not null)
        {
            return Refusal.Exists($"Host {join.Name} has joined already. Remove it first, or join under another name.");
        }

        if (Set.Hosts.Length >= HostSet.MostHosts)
        {
            return Refusal.Invalid(
                new FieldFault("host_id", $"{HostSet.MostHosts} hosts have joined, the most possible.")
            );
        }

        var now = clock.Now();
        var host = new JoinedHost
        {
            Name = join.Name,
            Address = join.Address,
            KeyFingerprint = key,
            JoinedAt = now,
            TokenId = join.TokenId,
            CertificateUntil = now + HostAuthority.HostValidity,
        };
        var grant = GrantOf(join.Request, join.Name);
        await _set.WriteAsync(HostDecisions.Join(Set, host, CauseOf(context)), this);
        return grant;
    }

    public Task<Answer<HostView>> DrainAsync(string name, string reason, CommandContext context)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(reason.Length, DrainOrder.LongestReason, nameof(reason));
        return SetDrainAsync(name, new DrainOrder(clock.Now(), context.Actor, reason, context.RequestId), context);
    }

    public Task<Answer<HostView>> UndrainAsync(string name, CommandContext context) =>
        SetDrainAsync(name, null, context);

    public async Task<Answer<HostView>> RemoveAsync(string name, bool force, CommandContext context)
    {
        if (Set.Find(name) is not { } host)
        {
            return Refusal.NotFound("Host");
        }

        var view = new HostView(host, await probe.ReadAsync(host, CancellationToken.None));
        if (!force && host.Drain is null)
        {
            return NotRemovable("IN_PLACEMENT", $"Host {name} is in placement: drain it first.");
        }

        if (!force && !view.Status.Allocations.IsEmpty)
        {
            return NotRemovable(
                "IN_USE",
                $"{view.Status.Allocations.Length} allocation(s) are on host {name}: stop or move them first, or force the removal if the host is gone."
            );
        }

        if (!force && view.Status.Reach != HostReach.Reachable)
        {
            return NotRemovable(
                "NOT_REACHABLE",
                $"Host {name} does not answer, so what runs there is not known. Force the removal if the host is gone."
            );
        }

        await _set.WriteAsync(HostDecisions.Remove(Set, host, CauseOf(context)), this);
        return view;
    }

    public async Task<Answer<HostView>> GetAsync(string name) =>
        Set.Find(name) is { } host
            ? new HostView(host, await probe.ReadAsync(host, CancellationToken.None))
            : Refusal.NotFound("Host");

    public async Task<ImmutableArray<HostView>> ListAsync() =>
        [
            .. await Task.WhenAll(
                Set.Hosts.Select(async host => new HostView(host, await probe.ReadAsync(host, CancellationToken.None)))
            ),
        ];

    public Task<SealedTrust> ReadTrustAsync() =>
        Task.FromResult(new SealedTrust(Set.Hosts, Set.Authority, Set.AuthorityKey));

    public async Task<string?> RenewAsync(string name, string request)
    {
        if (Set.Find(name) is not { } host || HostAuthority.KeyFingerprint(request) is not { } key)
        {
            return null;
        }

        var grant = GrantOf(request, name);
        var now = clock.Now();
        var renewed = host with { KeyFingerprint = key, CertificateUntil = now + HostAuthority.HostValidity };
        await _set.WriteAsync(
            HostDecisions.Renew(Set, renewed, new Cause(now, new RequestId("req-renewal"), "scheduler")),
            this
        );
        return grant.Certificate;
    }

    public async Task<bool> RewrapAsync()
    {
        if (Set.AuthorityKey is not { } before)
        {
            return false;
        }

        var after = vault.Rewrap(before, SecretBinding.OfHostAuthority());
        if (after == before)
        {
            return false;
        }

        await _set.WriteAsync(HostDecisions.Rewrap(Set, after), this);
        return true;
    }

    private async Task<Answer<HostView>> SetDrainAsync(string name, DrainOrder? order, CommandContext context)
    {
        if (Set.Find(name) is not { } host)
        {
            return Refusal.NotFound("Host");
        }

        if (host.Drain is null != order is null)
        {
            await _set.WriteAsync(HostDecisions.Drain(Set, host, order, CauseOf(context)), this);
        }

        return await GetAsync(name);
    }

    private HostGrant GrantOf(string request, string name) =>
        new(
            HostAuthority.Sign(
                Set.Authority!,
                vault.Open(Set.AuthorityKey!, SecretBinding.OfHostAuthority()),
                request,
                name,
                clock.Now()
            ),
            Set.Authority!
        );

    private bool IsUsable(HostJoin join) =>
        Set.Tokens.FirstOrDefault(token => token.Id == join.TokenId) is { } token
        && token.IsUsable(clock.Now())
        && CryptographicOperations.FixedTimeEquals(
            Encoding.ASCII.GetBytes(token.Fingerprint),
            Encoding.ASCII.GetBytes(join.Fingerprint)
        );

    private static IEnumerable<FieldFault> FaultsOf(HostJoin join)
    {
        if (!HostNames.IsName(join.Name))
        {
            yield return new FieldFault("host_id", $"Must be {HostNames.Form}.");
        }

        if (!HostNames.IsAddress(join.Address))
        {
            yield return new FieldFault("address", "Must be https://ADDRESS:PORT.");
        }
    }

    /// <summary>Why no host can join now; null when it can.</summary>
    private Refusal? NotPossible() =>
        !probe.IsEnabled
            ? new Refusal
            {
                Kind = RefusalKind.WrongState,
                Message = NoHostProbe.Advice,
                State = "WORKERS_OFF",
            }
        : vault.Unusable is { } why
            ? new Refusal
            {
                Kind = RefusalKind.WrongState,
                Message = $"The key of the hosts' authority cannot be stored. {why}",
                State = "NO_MASTER_KEY",
            }
        : null;

    private static Refusal NotRemovable(string state, string message) =>
        new()
        {
            Kind = RefusalKind.WrongState,
            Message = message,
            State = state,
        };

    private JoinTokenView ViewOf(StoredJoinToken token) =>
        new(
            token.Id,
            token.CreatedAt,
            token.ExpiresAt,
            token.MaxUses,
            token.Uses,
            token.Actor,
            HostAuthority.Fingerprint(Set.Authority!)
        );

    private Cause CauseOf(CommandContext command) => new(clock.Now(), command.RequestId, command.Actor);
}
