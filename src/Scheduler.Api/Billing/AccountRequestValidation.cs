using Google.Protobuf.Collections;
using Scheduler.Api.Firewalls;
using Scheduler.Api.Pipeline;
using Scheduler.Api.V1;
using Scheduler.Domain.Billing;
using Scheduler.Edge;

namespace Scheduler.Api.Billing;

/// <summary>Validation of account requests.</summary>
internal static class AccountRequestValidation
{
    public const long LargestTopUp = 1_000_000_000_000;
    public const long LargestLimit = 1L << 40;
    public static readonly TimeSpan LongestGrace = TimeSpan.FromDays(30);

    public static readonly IReadOnlyList<string> Updatable =
    [
        "display_name",
        "suspended",
        "exhaustion_grace",
        "firewall",
        "quotas",
    ];

    public static IEnumerable<RequestValidator> All { get; } =
    [
        RequestValidator.For<CreateAccountRequest>(_ => "", Check),
        RequestValidator.For<GetAccountRequest>(r => r.Name, (r, f) => f.CheckAccount("name", r.Name)),
        RequestValidator.For<GetQuotasRequest>(r => r.Parent, (r, f) => f.CheckAccount("parent", r.Parent)),
        RequestValidator.For<ListAccountsRequest>(
            _ => "",
            (r, f) => f.CheckPage(r.PageSize, r.PageToken, AccountsQuery, Grammar.IsAccountId)
        ),
        RequestValidator.For<UpdateAccountRequest>(r => r.Name, Check),
        RequestValidator.For<TopUpAccountRequest>(r => r.Name, Check),
        RequestValidator.For<ListLedgerEntriesRequest>(r => r.Parent, Check),
    ];

    public static string AccountsQuery => "accounts";

    public static string LedgerQuery(string parent) => $"ledger|{parent}";

    private static void Check(CreateAccountRequest request, Faults faults)
    {
        if (!Grammar.IsAccountId(request.AccountId))
        {
            faults.Add("account_id", "Must be `acct-` and 1 to 40 of a-z 0-9 -.");
        }

        faults.CheckDisplayName("display_name", request.DisplayName);
        faults.CheckDuration("exhaustion_grace", request.ExhaustionGrace, TimeSpan.Zero, LongestGrace);
        faults.CheckRequestId("request_id", request.RequestId);
    }

    private static void Check(UpdateAccountRequest request, Faults faults)
    {
        faults.CheckAccount("name", request.Name);
        faults.CheckDisplayName("display_name", request.DisplayName);
        faults.CheckDuration("exhaustion_grace", request.ExhaustionGrace, TimeSpan.Zero, LongestGrace);
        if (request.HasFirewall)
        {
            faults.CheckAttached("firewall", request.Firewall);
        }

        for (var i = 0; i < request.Quotas.Count; i++)
        {
            CheckLimit(request.Quotas, i, faults);
        }

        foreach (var path in request.UpdateMask?.Paths ?? [])
        {
            if (!Updatable.Contains(path, StringComparer.Ordinal))
            {
                faults.Add("update_mask", $"Unknown path; accepted are {string.Join(", ", Updatable)}.");
            }
        }
    }

    private static void CheckLimit(RepeatedField<QuotaLimit> limits, int i, Faults faults)
    {
        var field = $"quotas[{i}]";
        if (QuotaNames.Find(limits[i].Quota) is null)
        {
            faults.Add(
                $"{field}.quota",
                $"Unknown; accepted are {string.Join(", ", QuotaNames.All.Select(quota => quota.WireName()))}."
            );
        }
        else if (limits.Take(i).Any(earlier => earlier.Quota == limits[i].Quota))
        {
            faults.Add($"{field}.quota", "Is given twice.");
        }

        faults.Range($"{field}.limit", limits[i].Limit, 0, LargestLimit, "in all");
    }

    private static void Check(TopUpAccountRequest request, Faults faults)
    {
        faults.CheckAccount("name", request.Name);
        faults.Range("amount_micro_eur", request.AmountMicroEur, 1, LargestTopUp, "micro-EUR");
        faults.CheckRequestId("reference", request.Reference, required: true);
    }

    private static void Check(ListLedgerEntriesRequest request, Faults faults)
    {
        faults.CheckAccount("parent", request.Parent);
        faults.CheckPage(request.PageSize, request.PageToken, LedgerQuery(request.Parent), Paging.IsNumber);
    }
}
