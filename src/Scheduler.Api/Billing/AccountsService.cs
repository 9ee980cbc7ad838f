using System.Collections.Immutable;
using Grpc.Core;
using Scheduler.Api.Firewalls;
using Scheduler.Api.Pipeline;
using Scheduler.Api.V1;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Edge;
using Scheduler.Grains;
using Scheduler.Grains.Billing;

namespace Scheduler.Api.Billing;

internal sealed class AccountsService(IGrainFactory grains) : V1.Accounts.AccountsBase
{
    public override async Task<Account> CreateAccount(CreateAccountRequest request, ServerCallContext context)
    {
        var id = new AccountId(request.AccountId);
        var view = await grains
            .Account(id)
            .CreateAsync(
                new Grains.Billing.CreateAccount(
                    request.DisplayName,
                    request.ExhaustionGrace?.ToTimeSpan() ?? TimeSpan.Zero
                ),
                context.Command(null, request.RequestId)
            )
            .OrThrow(ResourceName.Account(id), context.CancellationToken);
        return view.ToProto();
    }

    public override async Task<Account> GetAccount(GetAccountRequest request, ServerCallContext context)
    {
        var view = await grains
            .Account(ResourceName.ParseAccount(request.Name))
            .GetAsync(context.Caller().Account)
            .OrThrow(request.Name, context.CancellationToken);
        return view.ToProto();
    }

    public override async Task<Quotas> GetQuotas(GetQuotasRequest request, ServerCallContext context)
    {
        var id = ResourceName.ParseAccount(request.Parent);
        await grains.Account(id).GetAsync(context.Caller().Account).OrThrow(request.Parent, context.CancellationToken);
        var uses = await grains.Quota(id).UseAsync().WaitAsync(context.CancellationToken);
        var response = new Quotas();
        response.Quotas_.AddRange(uses.Select(use => use.ToProto()));
        return response;
    }

    public override async Task<ListAccountsResponse> ListAccounts(
        ListAccountsRequest request,
        ServerCallContext context
    )
    {
        var size = Paging.SizeOf(request.PageSize);
        var page = await grains
            .Fleet()
            .ListAccountsAsync(Paging.CursorOf(request.PageToken, AccountRequestValidation.AccountsQuery), size)
            .WaitAsync(context.CancellationToken);
        var response = new ListAccountsResponse
        {
            NextPageToken =
                page.Length < size ? "" : Paging.Next(AccountRequestValidation.AccountsQuery, page[^1].Id.Value),
        };
        response.Accounts.AddRange(page.Select(view => view.ToProto()));
        return response;
    }

    public override async Task<Account> UpdateAccount(UpdateAccountRequest request, ServerCallContext context)
    {
        bool Changes(string field, bool isGiven) =>
            request.UpdateMask is { Paths.Count: > 0 } mask ? mask.Paths.Contains(field) : isGiven;

        var command = new UpdateAccount(
            Changes("display_name", request.HasDisplayName) ? request.DisplayName : null,
            Changes("suspended", request.HasSuspended) ? request.Suspended : null,
            Changes("exhaustion_grace", request.ExhaustionGrace is not null)
                ? request.ExhaustionGrace?.ToTimeSpan() ?? TimeSpan.Zero
                : null,
            Changes("firewall", request.HasFirewall) ? request.Firewall : null,
            Changes("quotas", request.Quotas.Count > 0)
                ? request.Quotas.ToImmutableSortedDictionary(
                    limit => limit.Quota,
                    limit => limit.Limit,
                    StringComparer.Ordinal
                )
                : null
        );
        await grains.RequireFirewallAsync(
            ResourceName.ParseAccount(request.Name),
            command.Firewall,
            context.CancellationToken
        );
        var view = await grains
            .Account(ResourceName.ParseAccount(request.Name))
            .UpdateAsync(command, context.Command(null))
            .OrThrow(request.Name, context.CancellationToken);
        return view.ToProto();
    }

    public override async Task<TopUpAccountResponse> TopUpAccount(
        TopUpAccountRequest request,
        ServerCallContext context
    )
    {
        var id = ResourceName.ParseAccount(request.Name);
        var answer = await grains
            .Account(id)
            .TopUpAsync(new MicroEuro(request.AmountMicroEur), request.Reference, context.Command(null))
            .OrThrow(request.Name, context.CancellationToken);
        return new TopUpAccountResponse
        {
            Entry = answer.Entry.ToProto(id),
            Account = answer.Account.ToProto(),
            RepeatedReference = answer.Repeated,
        };
    }

    public override async Task<ListLedgerEntriesResponse> ListLedgerEntries(
        ListLedgerEntriesRequest request,
        ServerCallContext context
    )
    {
        var id = ResourceName.ParseAccount(request.Parent);
        await grains.Account(id).GetAsync(context.Caller().Account).OrThrow(request.Parent, context.CancellationToken);
        var query = AccountRequestValidation.LedgerQuery(request.Parent);
        var size = Paging.SizeOf(request.PageSize);
        var page = await grains
            .Fleet()
            .LedgerAsync(id, Paging.NumberOf(request.PageToken, query, long.MaxValue), size)
            .WaitAsync(context.CancellationToken);
        var response = new ListLedgerEntriesResponse
        {
            NextPageToken = page.Length < size ? "" : Paging.Next(query, page[^1].Sequence),
        };
        response.Entries.AddRange(page.Select(entry => entry.ToProto(id)));
        return response;
    }
}
