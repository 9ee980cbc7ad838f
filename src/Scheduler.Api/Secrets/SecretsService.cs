using Grpc.Core;
using Scheduler.Api.Pipeline;
using Scheduler.Api.V1;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Secrets;
using Scheduler.Edge;
using Scheduler.Grains;
using Scheduler.Grains.Secrets;

namespace Scheduler.Api.Secrets;

internal sealed class SecretsService(IGrainFactory grains) : V1.Secrets.SecretsBase
{
    /// <summary>Accounts, and instances, in one step of a change of the master key.</summary>
    private const int PageSize = 200;

    public override async Task<Secret> CreateSecret(CreateSecretRequest request, ServerCallContext context)
    {
        var account = await AccountAsync(request.Parent, context);
        var secret = await grains
            .Secrets(account)
            .CreateAsync(request.SecretId, new SecretText(request.Value), context.Command(account))
            .OrThrow(ResourceName.Secret(account, request.SecretId), context.CancellationToken);
        return secret.ToProto();
    }

    public override async Task<Secret> GetSecret(GetSecretRequest request, ServerCallContext context)
    {
        var account = ResourceName.ParseAccount(request.Name);
        var secret = await grains
            .Secrets(account)
            .GetAsync(IdOf(request.Name), account)
            .OrThrow(request.Name, context.CancellationToken);
        return secret.ToProto();
    }

    public override async Task<ListSecretsResponse> ListSecrets(ListSecretsRequest request, ServerCallContext context)
    {
        var account = await AccountAsync(request.Parent, context);
        var query = SecretRequestValidation.Query(request.Parent);
        var size = Paging.SizeOf(request.PageSize);
        var page = await grains
            .Secrets(account)
            .ListAsync(Paging.CursorOf(request.PageToken, query), size)
            .WaitAsync(context.CancellationToken);
        var response = new ListSecretsResponse
        {
            NextPageToken = page.Length < size ? "" : Paging.Next(query, page[^1].Name),
        };
        response.Secrets.AddRange(page.Select(secret => secret.ToProto()));
        return response;
    }

    public override async Task<Secret> RotateSecret(RotateSecretRequest request, ServerCallContext context)
    {
        var account = ResourceName.ParseAccount(request.Name);
        var secret = await grains
            .Secrets(account)
            .RotateAsync(
                IdOf(request.Name),
                new SecretText(request.Value),
                request.HasIfVersion ? request.IfVersion : null,
                context.Command(account)
            )
            .OrThrow(request.Name, context.CancellationToken);
        return secret.ToProto();
    }

    public override async Task<Secret> DeleteSecret(DeleteSecretRequest request, ServerCallContext context)
    {
        var account = ResourceName.ParseAccount(request.Name);
        var secret = await grains
            .Secrets(account)
            .DeleteAsync(IdOf(request.Name), context.Command(account))
            .OrThrow(request.Name, context.CancellationToken);
        return secret.ToProto();
    }

    public override async Task<RotateMasterKeyResponse> RotateMasterKey(
        RotateMasterKeyRequest request,
        ServerCallContext context
    ) =>
        new()
        {
            Secrets =
                await RewrapSecretsAsync(context.CancellationToken)
                + (await grains.Hosts().RewrapAsync().WaitAsync(context.CancellationToken) ? 1 : 0),
            RuntimeKeys = await RewrapRuntimeKeysAsync(context.CancellationToken),
        };

    private async Task<long> RewrapSecretsAsync(CancellationToken cancellationToken)
    {
        var changed = 0L;
        for (var after = ""; ; )
        {
            var accounts = await grains.Fleet().ListSecretAccountsAsync(after, PageSize).WaitAsync(cancellationToken);
            foreach (var account in accounts)
            {
                changed += await grains.Secrets(account).RewrapAsync().WaitAsync(cancellationToken);
            }

            if (accounts.Length < PageSize)
            {
                return changed;
            }

            after = accounts[^1].Value;
        }
    }

    /// <summary>An instance that starts meanwhile uses the first master key already.</summary>
    private async Task<long> RewrapRuntimeKeysAsync(CancellationToken cancellationToken)
    {
        var changed = 0L;
        var query = new InstanceQuery { Limit = PageSize, Sort = InstanceSort.Oldest };
        while (true)
        {
            var page = await grains.Fleet().ListInstancesAsync(query).WaitAsync(cancellationToken);
            foreach (var record in page.Instances.Where(record => record.Intent?.RuntimeKey is not null))
            {
                changed += await grains.Instance(record.Id).RewrapKeyAsync().WaitAsync(cancellationToken) ? 1 : 0;
            }

            if (page.Next is not { } next)
            {
                return changed;
            }

            query = query with { After = next };
        }
    }

    private async Task<AccountId> AccountAsync(string parent, ServerCallContext context)
    {
        var account = ResourceName.ParseAccount(parent);
        await grains.Account(account).GetAsync(account).OrThrow(parent, context.CancellationToken);
        return account;
    }

    private static string IdOf(string name) => ResourceName.LastOf(name, "secrets");
}
