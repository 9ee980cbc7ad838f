using System.Diagnostics;
using Google.Protobuf.WellKnownTypes;
using Scheduler.Api.Pipeline;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;

namespace Scheduler.Api.Firewalls;

internal static class FirewallMapping
{
    /// <param name="record">A rule of the account, or a shipped rule (version 0), which has no account.</param>
    /// <param name="account">The account whose resource name the rule gets.</param>
    public static V1.Rule ToProto(this FirewallRuleRecord record, AccountId account)
    {
        var rule = record.Rule;
        var isShipped = record.Version == 0;
        return new V1.Rule
        {
            Name = ResourceName.Rule(account, rule.Slug),
            DisplayName = rule.Name,
            Description = rule.Description,
            Prompt = rule.Prompt,
            Category = rule.Category,
            Severity = rule.Severity.ToProto(),
            Source = rule.Source,
            Recommended = rule.Recommended,
            Shipped = isShipped,
            Version = record.Version,
            CreateTime = isShipped ? null : record.CreatedAt.ToProtoTime(),
            UpdateTime = isShipped ? null : record.UpdatedAt.ToProtoTime(),
        };
    }

    public static V1.Firewall ToProto(this FirewallRecord record)
    {
        var draft = record.Draft ?? throw new InvalidOperationException("The record holds no firewall.");
        var proto = new V1.Firewall
        {
            Name = ResourceName.Firewall(record.Account, record.Slug),
            DisplayName = draft.Name,
            Mode = draft.Mode.ToProto(),
            Judge = draft.Judge,
            JudgeDeadline = Duration.FromTimeSpan(draft.JudgeDeadline),
            KeepPrompt = draft.KeepPrompt,
            JudgeSeesImages = draft.JudgeSeesImages,
            Version = record.Version,
            CreateTime = record.CreatedAt.ToProtoTime(),
            UpdateTime = record.UpdatedAt.ToProtoTime(),
        };
        proto.Rules.AddRange(draft.Rules);
        return proto;
    }

    public static V1.Evaluation ToProto(this FirewallEvaluation evaluation)
    {
        var proto = new V1.Evaluation
        {
            Time = evaluation.At.ToProtoTime(),
            RequestId = evaluation.RequestId.Text(),
            Firewall = evaluation.Firewall,
            FirewallVersion = evaluation.Version,
            Mode = evaluation.Mode.ToProto(),
            Decision = evaluation.Decision.ToProto(),
            LatencyMs = evaluation.LatencyMs,
            Judge = evaluation.Judge,
            FailureCode = evaluation.Code == FailureCode.None ? "" : evaluation.Code.WireName(),
            JudgeFault = evaluation.Fault is { } fault ? JudgeFaults.WireName(fault) : "",
            Remembered = evaluation.Remembered,
            Prompt = evaluation.Prompt ?? "",
        };
        proto.Matched.AddRange(evaluation.Matched);
        return proto;
    }

    public static V1.FirewallDecision ToProto(this FirewallDecision decision) =>
        decision switch
        {
            FirewallDecision.Pass => V1.FirewallDecision.Pass,
            FirewallDecision.Match => V1.FirewallDecision.Match,
            FirewallDecision.Unjudged => V1.FirewallDecision.Unjudged,
            _ => throw new UnreachableException(),
        };

    public static V1.RuleSeverity ToProto(this RuleSeverity severity) =>
        severity switch
        {
            RuleSeverity.Low => V1.RuleSeverity.Low,
            RuleSeverity.Medium => V1.RuleSeverity.Medium,
            RuleSeverity.High => V1.RuleSeverity.High,
            RuleSeverity.Critical => V1.RuleSeverity.Critical,
            _ => throw new UnreachableException(),
        };

    /// <summary>Unspecified becomes the default value, which the check of the rule refuses.</summary>
    public static RuleSeverity ToDomain(this V1.RuleSeverity severity) =>
        severity switch
        {
            V1.RuleSeverity.Low => RuleSeverity.Low,
            V1.RuleSeverity.Medium => RuleSeverity.Medium,
            V1.RuleSeverity.High => RuleSeverity.High,
            V1.RuleSeverity.Critical => RuleSeverity.Critical,
            V1.RuleSeverity.Unspecified or _ => default,
        };

    /// <summary>Unspecified becomes the default value, which the check of the firewall refuses.</summary>
    public static FirewallMode ToDomain(this V1.FirewallMode mode) =>
        mode switch
        {
            V1.FirewallMode.Block => FirewallMode.Block,
            V1.FirewallMode.Audit => FirewallMode.Audit,
            V1.FirewallMode.Allow => FirewallMode.Allow,
            V1.FirewallMode.Unspecified or _ => default,
        };

    private static V1.FirewallMode ToProto(this FirewallMode mode) =>
        mode switch
        {
            FirewallMode.Block => V1.FirewallMode.Block,
            FirewallMode.Audit => V1.FirewallMode.Audit,
            FirewallMode.Allow => V1.FirewallMode.Allow,
            _ => throw new UnreachableException(),
        };
}
