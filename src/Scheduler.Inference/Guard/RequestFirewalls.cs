using System.Collections.Immutable;
using Scheduler.Domain.Ids;
using Scheduler.Edge;
using Scheduler.Inference.ContextCheck;
using Scheduler.Inference.Firewalls;
using Scheduler.Inference.Serving;

namespace Scheduler.Inference.Guard;

/// <summary>Runs the firewalls of a request: those of account, target and request, then those of each destination.</summary>
internal sealed class RequestFirewalls(IServingTable names, IFirewallGate gate, RuntimeTokens tokens)
{
    /// <param name="attached">Slug of the firewall of the target or the destination; null for none.</param>
    /// <param name="destination">Null while a balancer has not chosen it.</param>
    /// <exception cref="ApiException">A firewall in block mode refuses the request.</exception>
    public async ValueTask PassAsync(
        RequestGuard guard,
        Served served,
        string? attached,
        ServedInstance? destination,
        RequestId requestId,
        CancellationToken cancellationToken
    )
    {
        ImmutableArray<string?> named =
            guard.Judged.Count > 0
                ? [attached]
                :
                [
                    attached,
                    guard.Request.Firewall,
                    await names.AccountFirewallAsync(served.Account, cancellationToken),
                ];
        ImmutableArray<string> slugs = [.. named.OfType<string>()];
        ImmutableArray<string> fresh = [.. slugs.Where(guard.Judged.Add)];
        if (slugs.Length + guard.Waiting.Length > 0 && served is ServedBalancer balancer && !guard.Prompt.Ids.IsEmpty)
        {
            // The text of token ids depends on the model: each destination's own tokenizer tells it.
            if (destination is null && balancer.Spec.Router is null)
            {
                guard.Waiting = slugs;
                return;
            }

            fresh = [.. guard.Waiting.Concat(slugs).Distinct(StringComparer.Ordinal)];
        }

        if (!fresh.IsEmpty)
        {
            await JudgeAsync(guard, served.Account, fresh, destination, requestId, cancellationToken);
        }
    }

    private async Task JudgeAsync(
        RequestGuard guard,
        AccountId account,
        ImmutableArray<string> firewalls,
        ServedInstance? destination,
        RequestId requestId,
        CancellationToken cancellationToken
    )
    {
        var verdict = await gate.JudgeAsync(
            new GateQuestion(account, firewalls, () => guard.Prompt, requestId)
            {
                Detokenize = destination is null
                    ? null
                    : stop => tokens.TextOfAsync(destination, guard.Prompt.Ids, stop),
            },
            cancellationToken
        );
        if (!verdict.Faults.IsEmpty)
        {
            throw new ApiException(ApiError.Invalid(verdict.Faults));
        }

        if (verdict.Refusal is { } refusal)
        {
            throw new ApiException(ApiError.Of(refusal));
        }

        if (verdict.IsGuarded)
        {
            guard.Hold();
        }

        guard.Matched.AddRange(verdict.Matched);
    }
}
