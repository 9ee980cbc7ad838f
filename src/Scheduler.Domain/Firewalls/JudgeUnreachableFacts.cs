using System.Globalization;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Firewalls;

/// <summary>A firewall in block mode has no verdict, so the request is sent to no model (INV-10).</summary>
/// <param name="Account">The account of the firewall.</param>
/// <param name="Firewall">The firewall's slug.</param>
/// <param name="Judge">The judge's serving name.</param>
/// <param name="Why">Why there is no verdict.</param>
/// <param name="Instance">The instance with that serving name; null if there is none.</param>
/// <param name="State">The instance's state as the API names it; null if the instance is running or missing.</param>
/// <param name="Deadline">How long the judge may take.</param>
/// <param name="Reason">The judge's error in one line, without any part of the request; null if there was none.</param>
/// <param name="JudgeCode">The judge's own failure code; <see cref="FailureCode.None"/> if it reported none.</param>
public sealed record JudgeUnreachableFacts(
    AccountId Account,
    string Firewall,
    string Judge,
    JudgeFault Why,
    InstanceId? Instance,
    string? State,
    TimeSpan Deadline,
    string? Reason,
    FailureCode JudgeCode
) : FailureFacts(FailureCode.JudgeUnreachable)
{
    private string Audit => $"set firewall '{Firewall}' to audit mode";

    private string Milliseconds => Deadline.TotalMilliseconds.ToString("0", CultureInfo.InvariantCulture);

    protected internal override FailureText Describe() =>
        new(
            $"Firewall '{Firewall}' could not judge the request, which was therefore not sent to any model: {Cause()}.",
            Hint(),
            Details(
                ("firewall", Firewall),
                ("judge", Judge),
                ("why", Why.WireName()),
                ("judge_instance", Instance?.Value),
                ("judge_state", State),
                ("judge_reason", Reason),
                ("judge_deadline_ms", Why == JudgeFault.TimedOut ? Milliseconds : null),
                ("judge_code", JudgeCode == FailureCode.None ? null : JudgeCode.WireName())
            )
        );

    private string Cause() =>
        Why switch
        {
            JudgeFault.NotFound => $"no instance of the account has the serving name of its judge, '{Judge}'",
            JudgeFault.NotRunning => JudgeCode == FailureCode.None
                ? $"its judge '{Judge}' is {State ?? "not running"}"
                : $"its judge '{Judge}' is {State ?? "not running"} with {JudgeCode.WireName()}",
            JudgeFault.TimedOut => $"its judge '{Judge}' gave no answer within {Milliseconds} ms",
            JudgeFault.Unreadable => $"what its judge '{Judge}' answered is not a verdict",
            JudgeFault.Failing => JudgeCode == FailureCode.None
                ? $"its judge failed: {Reason ?? $"'{Judge}' broke off"}"
                : $"its judge '{Judge}' failed with {JudgeCode.WireName()}",
            JudgeFault.TooLong =>
                $"the text is longer than the {JudgeInput.LongestLength} characters that a judge is asked about",
            JudgeFault.NotText => "it holds what its judge cannot be shown, such as an image or token ids",
            JudgeFault.NoFirewall => "the account has no firewall of that name",
            JudgeFault.Busy => $"its judge '{Judge}' already judges as many texts as this gateway sends at once",
            _ => throw new System.Diagnostics.UnreachableException(),
        };

    private string Hint() =>
        Why switch
        {
            JudgeFault.NotFound =>
                $"Create and start an instance with the serving name '{Judge}', name another judge, or {Audit}.",
            JudgeFault.NotRunning => $"{Start()}, or {Audit}.",
            JudgeFault.TimedOut =>
                $"Try again; if it stays so, raise the firewall's judge_deadline above {Milliseconds} ms (at most {FirewallValidation.LongestDeadline.TotalSeconds.ToString(CultureInfo.InvariantCulture)} s), run the judge on a faster GPU, or {Audit}.",
            JudgeFault.Unreadable =>
                $"Let '{Judge}' serve a model that follows instructions, on a runtime that holds answers to a JSON schema, or {Audit}.",
            JudgeFault.Failing when JudgeCode == FailureCode.CtxTooLarge =>
                $"Shorten the request, start the judge '{Judge}' with a larger context, or {Audit}.",
            JudgeFault.Failing =>
                $"Look at instance '{Instance?.Value ?? Judge}' and repair what it reports, or {Audit}.",
            JudgeFault.TooLong => $"Shorten the request to {JudgeInput.LongestLength} characters, or {Audit}.",
            JudgeFault.NotText =>
                $"Send the request as text alone, name a judge that reads images and set judge_sees_images (images must be data URLs), or {Audit}.",
            JudgeFault.NoFirewall =>
                $"Correct the name, create firewall '{Firewall}', or take its name out of the account, balancer or instance that it is a default of.",
            JudgeFault.Busy => $"Try again in 1 s; if it stays so, give the judge '{Judge}' more GPUs, or {Audit}.",
            _ => throw new System.Diagnostics.UnreachableException(),
        };

    private string Start() =>
        State switch
        {
            "CHECKING" or "PROVISIONING" or "STARTING" =>
                $"Wait until the judge '{Judge}' is RUNNING; it is {State} now",
            _ when Instance is { } instance =>
                $"Start the judge with POST /v1/accounts/{Account}/instances/{instance}:start",
            _ => $"Start the instance that serves as '{Judge}'",
        };
}
