using Grpc.Core;
using Scheduler.Api.Instances;
using Scheduler.Api.Pipeline;
using Scheduler.Api.V1;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Keys;
using Scheduler.Edge;
using Scheduler.Grains;
using Scheduler.Grains.Keys;
using KeyRole = Scheduler.Domain.Keys.KeyRole;

namespace Scheduler.Api.Keys;

internal sealed class KeysService(IGrainFactory grains, KeyAuthority authority, TimeProvider clock) : V1.Keys.KeysBase
{
    public override async Task<CreateKeyResponse> CreateKey(CreateKeyRequest request, ServerCallContext context)
    {
        var account = ResourceName.ParseAccount(request.Parent);
        await grains.Account(account).GetAsync(account).OrThrow(request.Parent, context.CancellationToken);
        return await CreateAsync(account, request.DisplayName, request.Role.ToDomain(), request.RequestId, context);
    }

    public override Task<CreateKeyResponse> CreateOperatorKey(
        CreateOperatorKeyRequest request,
        ServerCallContext context
    ) => CreateAsync(null, request.DisplayName, request.Role.ToDomain(), request.RequestId, context);

    public override async Task<ListKeysResponse> ListKeys(ListKeysRequest request, ServerCallContext context)
    {
        var account = ResourceName.ParseAccount(request.Parent);
        await grains.Account(account).GetAsync(account).OrThrow(request.Parent, context.CancellationToken);
        return await ListAsync(account, request.Parent, request.PageSize, request.PageToken, context);
    }

    public override Task<ListKeysResponse> ListOperatorKeys(
        ListOperatorKeysRequest request,
        ServerCallContext context
    ) => ListAsync(null, "operators", request.PageSize, request.PageToken, context);

    public override async Task<Key> GetKey(GetKeyRequest request, ServerCallContext context)
    {
        var key = await grains
            .OwnKeyAsync(
                ResourceName.ParseAccount(request.Name),
                ResourceName.LastOf(request.Name, "keys"),
                key => key.GetAsync(ResourceName.ParseAccount(request.Name))
            )
            .OrThrow(request.Name, context.CancellationToken);
        return key.ToProto();
    }

    public override async Task<ListKeySessionsResponse> ListKeySessions(
        ListKeySessionsRequest request,
        ServerCallContext context
    )
    {
        var account = ResourceName.ParseAccount(request.Parent);
        var key = await grains
            .OwnKeyAsync(account, ResourceName.LastOf(request.Parent, "keys"), key => key.GetAsync(account))
            .OrThrow(request.Parent, context.CancellationToken);
        return SessionsOf(key);
    }

    public override async Task<ListKeySessionsResponse> EndKeySessions(
        EndKeySessionsRequest request,
        ServerCallContext context
    )
    {
        var account = ResourceName.ParseAccount(request.Name);
        var key = await grains
            .OwnKeyAsync(
                account,
                ResourceName.LastOf(request.Name, "keys"),
                key => key.EndSessionsAsync([.. request.SessionIds], context.Command(account))
            )
            .OrThrow(request.Name, context.CancellationToken);
        authority.RecordEndedSessions(key);
        return SessionsOf(key);
    }

    public override async Task<ListKeySessionsResponse> ListOperatorKeySessions(
        ListOperatorKeySessionsRequest request,
        ServerCallContext context
    ) => SessionsOf(await OperatorKeyAsync(request.Name, context));

    public override async Task<ListKeySessionsResponse> EndOperatorKeySessions(
        EndOperatorKeySessionsRequest request,
        ServerCallContext context
    )
    {
        var found = await OperatorKeyAsync(request.Name, context);
        var key = await grains
            .Key(found.Id)
            .EndSessionsAsync([.. request.SessionIds], context.Command(null))
            .OrThrow(request.Name, context.CancellationToken);
        authority.RecordEndedSessions(key);
        return SessionsOf(key);
    }

    public override async Task<KeyUsage> GetKeyUsage(GetKeyUsageRequest request, ServerCallContext context)
    {
        var key = await grains
            .OwnKeyAsync(
                ResourceName.ParseAccount(request.Parent),
                ResourceName.LastOf(request.Parent, "keys"),
                key => key.GetAsync(ResourceName.ParseAccount(request.Parent))
            )
            .OrThrow(request.Parent, context.CancellationToken);
        var usage = await grains.KeyUsage(key.Id).GetAsync().WaitAsync(context.CancellationToken);
        return usage.ToKeyProto(request.Parent);
    }

    public override async Task<Key> GetOperatorKey(GetOperatorKeyRequest request, ServerCallContext context) =>
        (await OperatorKeyAsync(request.Name, context)).ToProto();

    public override Task<Key> RevokeKey(RevokeKeyRequest request, ServerCallContext context) =>
        RevokeAsync(
            request.Name,
            ResourceName.LastOf(request.Name, "keys"),
            ResourceName.ParseAccount(request.Name),
            context
        );

    public override async Task<Key> RevokeOperatorKey(RevokeOperatorKeyRequest request, ServerCallContext context)
    {
        var key = await OperatorKeyAsync(request.Name, context);
        return await RevokeAsync(request.Name, key.Id, null, context);
    }

    private async Task<CreateKeyResponse> CreateAsync(
        AccountId? account,
        string displayName,
        KeyRole role,
        string clientRequestId,
        ServerCallContext context
    )
    {
        var keyId = NewId.Make("key-", KeyToken.IdLength, "key", account?.Value ?? "", clientRequestId);
        var token = KeyAuthority.NewToken(keyId);
        var key = await grains
            .Key(keyId)
            .CreateAsync(
                new CreateKey(account, displayName, KeyAuthority.Fingerprint(token), role),
                context.Command(account, clientRequestId)
            )
            .OrThrow(ResourceName.Key(account, keyId), context.CancellationToken);
        return new CreateKeyResponse { Key = key.ToProto(), Token = token.Reveal() };
    }

    private async Task<ListKeysResponse> ListAsync(
        AccountId? account,
        string parent,
        int askedSize,
        string token,
        ServerCallContext context
    )
    {
        var query = KeyRequestValidation.Query(parent);
        var size = Paging.SizeOf(askedSize);
        var page = await grains
            .Fleet()
            .ListKeysAsync(account, Paging.CursorOf(token, query), size)
            .WaitAsync(context.CancellationToken);
        var response = new ListKeysResponse
        {
            NextPageToken = page.Length < size ? "" : Paging.Next(query, page[^1].Id),
        };
        response.Keys.AddRange(page.Select(key => key.ToProto()));
        return response;
    }

    private ListKeySessionsResponse SessionsOf(KeyRecord key)
    {
        var response = new ListKeySessionsResponse();
        response.Sessions.AddRange(key.SessionsAt(clock.GetUtcNow()).Select(session => session.ToProto()));
        return response;
    }

    private async Task<KeyRecord> OperatorKeyAsync(string name, ServerCallContext context)
    {
        var key = await grains
            .Key(ResourceName.LastOf(name, "operatorKeys"))
            .GetAsync(null)
            .OrThrow(name, context.CancellationToken);
        return key.Account is null ? key : throw new ApiException(ApiError.NotFound(name));
    }

    private async Task<Key> RevokeAsync(string name, string keyId, AccountId? account, ServerCallContext context)
    {
        var key = await grains
            .OwnKeyAsync(account, keyId, key => key.RevokeAsync(context.Command(account)))
            .OrThrow(name, context.CancellationToken);
        authority.RecordRevoked(key);
        return key.ToProto();
    }
}
