using Google.Protobuf.WellKnownTypes;
using Scheduler.Api.Pipeline;
using Scheduler.Api.V1;
using Scheduler.Domain.Firewalls;
using Scheduler.Edge;

namespace Scheduler.Api.Firewalls;

/// <summary>
/// Validates the names and paging of requests about rules and firewalls. The grain validates their content, so that one
/// response reports both invalid values and references that do not exist.
/// </summary>
internal static class FirewallRequestValidation
{
    /// <summary>Longest duration that is parsed; the grain checks the actual range.</summary>
    private static readonly TimeSpan LongestRead = TimeSpan.FromDays(1000);

    public static IEnumerable<RequestValidator> All { get; } =
    [
        RequestValidator.For<CreateRuleRequest>(r => r.Parent, (r, f) => f.CheckNew(r.Parent, "rule_id", r.RuleId)),
        RequestValidator.For<GetRuleRequest>(r => r.Name, (r, f) => f.CheckRule("name", r.Name)),
        RequestValidator.For<ListRulesRequest>(
            r => r.Parent,
            (r, f) => f.CheckList(r.Parent, r.PageSize, r.PageToken, RulesQuery(r.Parent))
        ),
        RequestValidator.For<UpdateRuleRequest>(r => r.Name, Check),
        RequestValidator.For<DeleteRuleRequest>(r => r.Name, (r, f) => f.CheckRule("name", r.Name)),
        RequestValidator.For<CreateFirewallRequest>(r => r.Parent, Check),
        RequestValidator.For<GetFirewallRequest>(r => r.Name, (r, f) => f.CheckFirewall("name", r.Name)),
        RequestValidator.For<ListFirewallsRequest>(
            r => r.Parent,
            (r, f) => f.CheckList(r.Parent, r.PageSize, r.PageToken, FirewallsQuery(r.Parent))
        ),
        RequestValidator.For<UpdateFirewallRequest>(r => r.Name, Check),
        RequestValidator.For<DeleteFirewallRequest>(r => r.Name, (r, f) => f.CheckFirewall("name", r.Name)),
        RequestValidator.For<EvaluateFirewallRequest>(r => r.Name, Check),
        RequestValidator.For<ListEvaluationsRequest>(r => r.Parent, Check),
    ];

    public static string RulesQuery(string parent) => $"rules|{parent}";

    public static string FirewallsQuery(string parent) => $"firewalls|{parent}";

    public static string EvaluationsQuery(ListEvaluationsRequest request) =>
        $"evaluations|{request.Parent}|{request.Firewall}";

    private static void Check(UpdateRuleRequest request, Faults faults)
    {
        faults.CheckRule("name", request.Name);
        if (request.HasIfVersion)
        {
            faults.Range("if_version", request.IfVersion, 1, long.MaxValue);
        }
    }

    private static void Check(CreateFirewallRequest request, Faults faults)
    {
        faults.CheckNew(request.Parent, "firewall_id", request.FirewallId);
        faults.CheckReadable(request.JudgeDeadline);
    }

    private static void Check(UpdateFirewallRequest request, Faults faults)
    {
        faults.CheckFirewall("name", request.Name);
        faults.CheckReadable(request.JudgeDeadline);
        if (request.HasIfVersion)
        {
            faults.Range("if_version", request.IfVersion, 1, long.MaxValue);
        }
    }

    private static void Check(EvaluateFirewallRequest request, Faults faults)
    {
        faults.CheckFirewall("name", request.Name);
        faults.Range("text", request.Text.Length, 1, JudgeInput.LongestLength, "characters");
    }

    private static void Check(ListEvaluationsRequest request, Faults faults)
    {
        faults.CheckAccount("parent", request.Parent);
        if (request.Firewall.Length > 0)
        {
            faults.CheckSlug("firewall", request.Firewall);
        }

        faults.CheckPage(request.PageSize, request.PageToken, EvaluationsQuery(request), Paging.IsNumber);
    }

    private static void CheckNew(this Faults faults, string parent, string field, string slug)
    {
        faults.CheckAccount("parent", parent);
        faults.CheckSlug(field, slug);
    }

    private static void CheckList(this Faults faults, string parent, int size, string token, string query)
    {
        faults.CheckAccount("parent", parent);
        faults.CheckPage(size, token, query, FirewallValidation.IsSlug);
    }

    private static void CheckSlug(this Faults faults, string field, string slug)
    {
        if (!FirewallValidation.IsSlug(slug))
        {
            faults.Add(field, $"Must be {FirewallValidation.Slug}.");
        }
    }

    private static void CheckReadable(this Faults faults, Duration? deadline) =>
        faults.CheckDuration("judge_deadline", deadline, -LongestRead, LongestRead);
}
