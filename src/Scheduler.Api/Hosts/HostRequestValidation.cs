using Scheduler.Api.Pipeline;
using Scheduler.Api.V1;
using Scheduler.Domain.Hosts;
using Scheduler.Edge;
using JoinTokenText = Scheduler.Domain.Hosts.JoinToken;

namespace Scheduler.Api.Hosts;

/// <summary>Validation of requests about hosts and join tokens. No fault contains a token.</summary>
internal static class HostRequestValidation
{
    private const int LongestRequest = 8192;

    public static IEnumerable<RequestValidator> All { get; } =
    [
        RequestValidator.For<ListHostsRequest>(_ => "", (_, _) => { }),
        RequestValidator.For<GetHostRequest>(r => r.Name, (r, f) => f.CheckHost("name", r.Name)),
        RequestValidator.For<DrainHostRequest>(r => r.Name, Check),
        RequestValidator.For<UndrainHostRequest>(r => r.Name, (r, f) => f.CheckHost("name", r.Name)),
        RequestValidator.For<RemoveHostRequest>(r => r.Name, (r, f) => f.CheckHost("name", r.Name)),
        RequestValidator.For<CreateJoinTokenRequest>(_ => "", Check),
        RequestValidator.For<ListJoinTokensRequest>(_ => "", (_, _) => { }),
        RequestValidator.For<DeleteJoinTokenRequest>(r => r.Name, (r, f) => f.CheckJoinToken("name", r.Name)),
        RequestValidator.For<JoinHostRequest>(_ => "", Check),
    ];

    private static void Check(DrainHostRequest request, Faults faults)
    {
        faults.CheckHost("name", request.Name);
        faults.CheckDrainReason("reason", request.Reason);
    }

    private static void Check(CreateJoinTokenRequest request, Faults faults)
    {
        if (request.HasMaxUses)
        {
            faults.Range("max_uses", request.MaxUses, 1, JoinTokenLimits.MostUses);
        }

        faults.CheckDuration(
            "valid_for",
            request.ValidFor,
            JoinTokenLimits.ShortestValidFor,
            JoinTokenLimits.LongestValidFor
        );
    }

    private static void Check(JoinHostRequest request, Faults faults)
    {
        if (JoinTokenText.Parse(request.Token) is null)
        {
            faults.Add("token", "Must be a join token as the scheduler showed it.");
        }

        if (!HostNames.IsName(request.HostId))
        {
            faults.Add("host_id", $"Must be {HostNames.Form}.");
        }

        if (!HostNames.IsAddress(request.Address))
        {
            faults.Add("address", "Must be https://ADDRESS:PORT.");
        }

        if (
            request.CertificateRequest.Length > LongestRequest
            || HostAuthority.KeyFingerprint(request.CertificateRequest) is null
        )
        {
            faults.Add("certificate_request", "Must be a certificate request in PEM, signed by its key.");
        }
    }
}
