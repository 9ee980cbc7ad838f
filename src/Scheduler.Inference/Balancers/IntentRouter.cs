using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Scheduler.Domain.Balancers;
using Scheduler.Inference.Firewalls;
using Scheduler.Inference.Guard;
using Scheduler.Inference.Serving;
using Scheduler.Inference.Upstream;

namespace Scheduler.Inference.Balancers;

/// <summary>Asks a router model for the route of a prompt; on any error the default route applies.</summary>
internal sealed class IntentRouter(
    IServingTable names,
    IInstanceChat chat,
    IFirewallGate firewalls,
    BalancerMetrics metrics,
    TimeProvider clock
)
{
    private const int NonceLength = 16;
    private const string NonceLetters = "abcdefghijklmnopqrstuvwxyz234567";

    /// <summary>The route the model named; null when it named none in time.</summary>
    public async ValueTask<BalancerRoute?> RouteAsync(RoutingQuestion question, CancellationToken cancellationToken)
    {
        var (spec, router) = (question.Balancer.Spec, question.Balancer.Spec.Router!);
        var began = clock.GetTimestamp();
        var prompt = string.Join('\n', question.Prompt().Parts.Where(IsAsking).Select(part => part.Text));
        if (prompt.Length == 0)
        {
            return Done(null, "no_text", began);
        }

        if (!await MayReadAsync(question, router.ServingName, cancellationToken))
        {
            return Done(null, "firewall", began);
        }

        var nonce = RandomNumberGenerator.GetString(NonceLetters, NonceLength);
        var reply = await chat.AskAsync(
            question.Balancer.Account,
            router.ServingName,
            new ChatQuestion(
                IntentQuestion.System(spec, nonce),
                IntentQuestion.User(prompt, nonce),
                IntentQuestion.MostTokens,
                router.Deadline,
                JsonNode.Parse(IntentQuestion.Schema(spec))!.AsObject()
            ),
            cancellationToken
        );
        var route = reply.Text is { } text ? IntentQuestion.Read(spec, text) : null;
        return Done(route, route is null ? Word(reply) : "route", began);
    }

    private BalancerRoute? Done(BalancerRoute? route, string answer, long began)
    {
        metrics.Routed(answer, clock.GetElapsedTime(began));
        return route;
    }

    // Only the caller's own messages show the intent; system prompts and earlier model output do not.
    private static bool IsAsking(PromptPart part) =>
        part.IsText && string.Equals(part.Role, "user", StringComparison.Ordinal) && part.Text.Length > 0;

    /// <summary>The firewall of the router's own instance applies to this prompt like to any other (INV-10).</summary>
    private async ValueTask<bool> MayReadAsync(
        RoutingQuestion question,
        string router,
        CancellationToken cancellationToken
    )
    {
        if (await names.FindAsync(question.Balancer.Account, router, cancellationToken) is not { Firewall: { } slug })
        {
            return true;
        }

        var verdict = await firewalls.JudgeAsync(
            new GateQuestion(question.Balancer.Account, [slug], question.Prompt, question.RequestId),
            cancellationToken
        );
        return verdict.IsPass;
    }

    private static string Word(ChatReply reply) =>
        reply.Fault switch
        {
            ChatFault.None => "nonsense",
            ChatFault.NotFound or ChatFault.NotRunning => "not_running",
            ChatFault.TimedOut => "timed_out",
            ChatFault.Failed => "failed",
            _ => throw new System.Diagnostics.UnreachableException(),
        };
}
