using Grpc.Core;
using Scheduler.Api.Pipeline;
using Scheduler.Api.V1;
using Scheduler.Domain.Hosts;
using Scheduler.Edge;
using Scheduler.Grains;
using Scheduler.Grains.Hosts;
using JoinToken = Scheduler.Api.V1.JoinToken;
using JoinTokenText = Scheduler.Domain.Hosts.JoinToken;

namespace Scheduler.Api.Hosts;

internal sealed class HostsService(IGrainFactory grains) : V1.Hosts.HostsBase
{
    public override async Task<ListHostsResponse> ListHosts(ListHostsRequest request, ServerCallContext context)
    {
        var hosts = await grains.Hosts().ListAsync().WaitAsync(context.CancellationToken);
        var response = new ListHostsResponse();
        response.Hosts.AddRange(hosts.Select(host => host.ToProto()));
        return response;
    }

    public override Task<Host> GetHost(GetHostRequest request, ServerCallContext context) =>
        AnswerAsync(request.Name, grains.Hosts().GetAsync(IdOf(request.Name)), context);

    public override Task<Host> DrainHost(DrainHostRequest request, ServerCallContext context) =>
        AnswerAsync(
            request.Name,
            grains.Hosts().DrainAsync(IdOf(request.Name), request.Reason, context.Command(null)),
            context
        );

    public override Task<Host> UndrainHost(UndrainHostRequest request, ServerCallContext context) =>
        AnswerAsync(request.Name, grains.Hosts().UndrainAsync(IdOf(request.Name), context.Command(null)), context);

    public override Task<Host> RemoveHost(RemoveHostRequest request, ServerCallContext context) =>
        AnswerAsync(
            request.Name,
            grains.Hosts().RemoveAsync(IdOf(request.Name), request.Force, context.Command(null)),
            context
        );

    public override async Task<CreateJoinTokenResponse> CreateJoinToken(
        CreateJoinTokenRequest request,
        ServerCallContext context
    )
    {
        var (id, secret) = (JoinTokenText.NewId(), JoinTokenText.NewSecret());
        var view = await grains
            .Hosts()
            .CreateTokenAsync(
                id,
                JoinTokenText.Fingerprint(secret),
                request.HasMaxUses ? request.MaxUses : JoinTokenLimits.DefaultUses,
                request.ValidFor?.ToTimeSpan() ?? JoinTokenLimits.DefaultValidFor,
                context.Command(null)
            )
            .OrThrow("joinTokens", context.CancellationToken);
        return new CreateJoinTokenResponse
        {
            JoinToken = view.ToProto(),
            Token = new JoinTokenText(id, secret, view.Authority).Reveal(),
        };
    }

    public override async Task<ListJoinTokensResponse> ListJoinTokens(
        ListJoinTokensRequest request,
        ServerCallContext context
    )
    {
        var tokens = await grains.Hosts().ListTokensAsync().WaitAsync(context.CancellationToken);
        var response = new ListJoinTokensResponse();
        response.JoinTokens.AddRange(tokens.Select(token => token.ToProto()));
        return response;
    }

    public override async Task<JoinToken> DeleteJoinToken(DeleteJoinTokenRequest request, ServerCallContext context) =>
        (
            await grains
                .Hosts()
                .DeleteTokenAsync(ResourceName.LastOf(request.Name, "joinTokens"), context.Command(null))
                .OrThrow(request.Name, context.CancellationToken)
        ).ToProto();

    public override async Task<JoinHostResponse> JoinHost(JoinHostRequest request, ServerCallContext context)
    {
        var token = JoinTokenText.Parse(request.Token)!;
        var grant = await grains
            .Hosts()
            .JoinAsync(
                new HostJoin(
                    token.Id,
                    JoinTokenText.Fingerprint(token.Secret),
                    request.HostId,
                    request.Address,
                    request.CertificateRequest
                ),
                new CommandContext(context.Scope().Id, $"join-token:{token.Id}", null)
            )
            .OrThrow(ResourceName.Host(request.HostId), context.CancellationToken);
        return new JoinHostResponse { Certificate = grant.Certificate, Authority = grant.Authority };
    }

    private static async Task<Host> AnswerAsync(string name, Task<Answer<HostView>> asked, ServerCallContext context) =>
        (await asked.OrThrow(name, context.CancellationToken)).ToProto();

    private static string IdOf(string name) => ResourceName.LastOf(name, "hosts");
}
