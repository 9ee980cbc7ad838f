using Grpc.Core;
using Scheduler.Api.Failures;
using Scheduler.Api.Pipeline;
using Scheduler.Api.V1;
using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;
using Scheduler.Edge;
using Scheduler.Edge.Firewalls;
using Scheduler.Grains;
using Scheduler.Grains.Firewalls;

namespace Scheduler.Api.Firewalls;

/// <summary>
/// Each method validates, calls one grain and maps the result. The gateway runs <see cref="IFirewallTrial"/>.
/// </summary>
internal sealed class FirewallsService(IGrainFactory grains, IFirewallTrial trial) : V1.Firewalls.FirewallsBase
{
    /// <summary>Attempts of a partial update while other callers change the same record.</summary>
    private const int UpdateTries = 5;

    public override async Task<Rule> CreateRule(CreateRuleRequest request, ServerCallContext context)
    {
        var account = await AccountAsync(request.Parent, context);
        var rule = new FirewallRule
        {
            Slug = request.RuleId,
            Name = request.DisplayName,
            Description = request.Description,
            Prompt = request.Prompt,
            Category = request.Category,
            Severity = request.Severity.ToDomain(),
            Source = request.Source,
            Recommended = request.Recommended,
        };
        var record = await grains
            .Firewalls(account)
            .CreateRuleAsync(rule, context.Command(account))
            .OrThrow(ResourceName.Rule(account, request.RuleId), context.CancellationToken);
        return record.ToProto(account);
    }

    public override async Task<Rule> GetRule(GetRuleRequest request, ServerCallContext context)
    {
        var account = ResourceName.ParseAccount(request.Name);
        var slug = ResourceName.LastOf(request.Name, "rules");
        if (ShippedRules.Find(slug) is not { } shipped)
        {
            return (await RuleAsync(request.Name, context)).ToProto(account);
        }

        // An account may own a rule of the same name from before the rule was shipped. Its own rule wins.
        await AccountAsync(ResourceName.Account(account), request.Name, context);
        var own = await grains.Firewalls(account).GetRuleAsync(slug, account).WaitAsync(context.CancellationToken);
        return (own.Value ?? new FirewallRuleRecord { Rule = shipped }).ToProto(account);
    }

    public override async Task<ListRulesResponse> ListRules(ListRulesRequest request, ServerCallContext context)
    {
        var account = await AccountAsync(request.Parent, context);
        var query = FirewallRequestValidation.RulesQuery(request.Parent);
        var size = Paging.SizeOf(request.PageSize);
        var page = await grains
            .Firewalls(account)
            .ListRulesAsync(Paging.CursorOf(request.PageToken, query), size)
            .WaitAsync(context.CancellationToken);
        var response = new ListRulesResponse
        {
            NextPageToken = page.Length < size ? "" : Paging.Next(query, page[^1].Slug),
        };
        response.Rules.AddRange(page.Select(rule => rule.ToProto(account)));
        return response;
    }

    public override Task<Rule> UpdateRule(UpdateRuleRequest request, ServerCallContext context) =>
        UpdateAsync(
            request.HasIfVersion,
            async () =>
            {
                var account = ResourceName.ParseAccount(request.Name);
                var present = await RuleAsync(request.Name, context);
                var rule = present.Rule;
                var next = rule with
                {
                    Name = request.HasDisplayName ? request.DisplayName : rule.Name,
                    Description = request.HasDescription ? request.Description : rule.Description,
                    Prompt = request.HasPrompt ? request.Prompt : rule.Prompt,
                    Category = request.HasCategory ? request.Category : rule.Category,
                    Severity =
                        request.Severity == V1.RuleSeverity.Unspecified ? rule.Severity : request.Severity.ToDomain(),
                    Source = request.HasSource ? request.Source : rule.Source,
                    Recommended = request.HasRecommended ? request.Recommended : rule.Recommended,
                };
                var guard = request.HasIfVersion ? request.IfVersion : present.Version;
                var record = await grains
                    .Firewalls(account)
                    .UpdateRuleAsync(next, guard, context.Command(account))
                    .OrThrow(request.Name, context.CancellationToken);
                return record.ToProto(account);
            }
        );

    public override async Task<Rule> DeleteRule(DeleteRuleRequest request, ServerCallContext context)
    {
        var account = ResourceName.ParseAccount(request.Name);
        var record = await grains
            .Firewalls(account)
            .DeleteRuleAsync(ResourceName.LastOf(request.Name, "rules"), context.Command(account))
            .OrThrow(request.Name, context.CancellationToken);
        return record.ToProto(account);
    }

    public override async Task<Firewall> CreateFirewall(CreateFirewallRequest request, ServerCallContext context)
    {
        var account = await AccountAsync(request.Parent, context);
        var draft = new FirewallDraft
        {
            Name = request.DisplayName,
            Mode = request.Mode.ToDomain(),
            Judge = request.Judge,
            Rules = [.. request.Rules],
            JudgeDeadline = request.JudgeDeadline?.ToTimeSpan() ?? FirewallDraft.DefaultJudgeDeadline,
            KeepPrompt = request.KeepPrompt,
            JudgeSeesImages = request.JudgeSeesImages,
        };
        var record = await grains
            .Firewalls(account)
            .CreateAsync(request.FirewallId, draft, context.Command(account))
            .OrThrow(ResourceName.Firewall(account, request.FirewallId), context.CancellationToken);
        return record.ToProto();
    }

    public override async Task<Firewall> GetFirewall(GetFirewallRequest request, ServerCallContext context) =>
        (await FirewallAsync(request.Name, context)).ToProto();

    public override async Task<ListFirewallsResponse> ListFirewalls(
        ListFirewallsRequest request,
        ServerCallContext context
    )
    {
        var account = await AccountAsync(request.Parent, context);
        var query = FirewallRequestValidation.FirewallsQuery(request.Parent);
        var size = Paging.SizeOf(request.PageSize);
        var page = await grains
            .Firewalls(account)
            .ListAsync(Paging.CursorOf(request.PageToken, query), size)
            .WaitAsync(context.CancellationToken);
        var response = new ListFirewallsResponse
        {
            NextPageToken = page.Length < size ? "" : Paging.Next(query, page[^1].Slug),
        };
        response.Firewalls.AddRange(page.Select(firewall => firewall.ToProto()));
        return response;
    }

    public override Task<Firewall> UpdateFirewall(UpdateFirewallRequest request, ServerCallContext context) =>
        UpdateAsync(
            request.HasIfVersion,
            async () =>
            {
                var present = await FirewallAsync(request.Name, context);
                var draft = present.Draft!;
                var next = draft with
                {
                    Name = request.HasDisplayName ? request.DisplayName : draft.Name,
                    Mode = request.Mode == V1.FirewallMode.Unspecified ? draft.Mode : request.Mode.ToDomain(),
                    Judge = request.HasJudge ? request.Judge : draft.Judge,
                    Rules = request.Rules.Count > 0 ? [.. request.Rules] : draft.Rules,
                    JudgeDeadline = request.JudgeDeadline?.ToTimeSpan() ?? draft.JudgeDeadline,
                    KeepPrompt = request.HasKeepPrompt ? request.KeepPrompt : draft.KeepPrompt,
                    JudgeSeesImages = request.HasJudgeSeesImages ? request.JudgeSeesImages : draft.JudgeSeesImages,
                };
                var guard = request.HasIfVersion ? request.IfVersion : present.Version;
                var record = await grains
                    .Firewalls(present.Account)
                    .UpdateAsync(present.Slug, next, guard, context.Command(present.Account))
                    .OrThrow(request.Name, context.CancellationToken);
                return record.ToProto();
            }
        );

    public override async Task<Firewall> DeleteFirewall(DeleteFirewallRequest request, ServerCallContext context)
    {
        var account = ResourceName.ParseAccount(request.Name);
        var record = await grains
            .Firewalls(account)
            .DeleteAsync(ResourceName.LastOf(request.Name, "firewalls"), context.Command(account))
            .OrThrow(request.Name, context.CancellationToken);
        return record.ToProto();
    }

    public override async Task<EvaluateFirewallResponse> EvaluateFirewall(
        EvaluateFirewallRequest request,
        ServerCallContext context
    )
    {
        var firewall = await FirewallAsync(request.Name, context);
        var text = new JudgeInput(new JudgeInputPart("user", request.Text));
        var result = await trial.TryAsync(firewall, text, context.CancellationToken);
        var response = new EvaluateFirewallResponse
        {
            Decision = result.Decision.ToProto(),
            Refusal = result.Refusal?.ToProto(),
            Unjudged = result.Unjudged?.ToProto(),
            Judge = result.Judge is { } judge ? ResourceName.Instance(firewall.Account, judge) : "",
            JudgeState = result.JudgeState ?? "",
            LatencyMs = (long)result.Latency.TotalMilliseconds,
        };
        response.Answers.AddRange(
            result.Answers.Zip(
                firewall.Rules,
                (matched, rule) =>
                    new RuleAnswer
                    {
                        Rule = rule.Slug,
                        Matched = matched,
                        Severity = rule.Severity.ToProto(),
                    }
            )
        );
        return response;
    }

    public override async Task<ListEvaluationsResponse> ListEvaluations(
        ListEvaluationsRequest request,
        ServerCallContext context
    )
    {
        var account = await AccountAsync(request.Parent, context);
        var query = FirewallRequestValidation.EvaluationsQuery(request);
        var size = Paging.SizeOf(request.PageSize);
        var page = await grains
            .Evaluations(account)
            .ListAsync(
                request.Firewall.Length > 0 ? request.Firewall : null,
                Paging.NumberOf(request.PageToken, query, long.MaxValue),
                size
            )
            .WaitAsync(context.CancellationToken);
        var response = new ListEvaluationsResponse
        {
            NextPageToken = page.Length < size ? "" : Paging.Next(query, page[^1].Sequence),
        };
        response.Evaluations.AddRange(page.Select(evaluation => evaluation.ToProto()));
        return response;
    }

    /// <summary>
    /// Reads, changes and writes. Retries after a concurrent change, unless the caller guards the update by version.
    /// </summary>
    private static async Task<T> UpdateAsync<T>(bool isGuarded, Func<Task<T>> once)
    {
        for (var again = UpdateTries; ; again--)
        {
            try
            {
                return await once();
            }
            catch (ApiException moved) when (again > 1 && !isGuarded && moved.Error.Reason is ApiErrorCodes.WrongState)
            {
                // Another caller changed the record. The next attempt reads it again, to keep the fields this request
                // leaves out.
            }
        }
    }

    private Task<AccountId> AccountAsync(string parent, ServerCallContext context) =>
        AccountAsync(parent, parent, context);

    private async Task<AccountId> AccountAsync(string parent, string asked, ServerCallContext context)
    {
        var account = ResourceName.ParseAccount(parent);
        await grains.Account(account).GetAsync(account).OrThrow(asked, context.CancellationToken);
        return account;
    }

    private Task<FirewallRuleRecord> RuleAsync(string name, ServerCallContext context)
    {
        var account = ResourceName.ParseAccount(name);
        return grains
            .Firewalls(account)
            .GetRuleAsync(ResourceName.LastOf(name, "rules"), account)
            .OrThrow(name, context.CancellationToken);
    }

    private Task<FirewallRecord> FirewallAsync(string name, ServerCallContext context)
    {
        var account = ResourceName.ParseAccount(name);
        return grains
            .Firewalls(account)
            .GetAsync(ResourceName.LastOf(name, "firewalls"), account)
            .OrThrow(name, context.CancellationToken);
    }
}
