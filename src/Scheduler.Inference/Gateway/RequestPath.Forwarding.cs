using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Requests;
using Scheduler.Edge;
using Scheduler.Grains;
using Scheduler.Inference.Balancers;
using Scheduler.Inference.Serving;
using Scheduler.Inference.Upstream;

namespace Scheduler.Inference.Gateway;

/// <summary>Sending to one destination, and what its answer means for the request and for the destination.</summary>
internal sealed partial class RequestPath
{
    private static readonly string RuntimeError = FailureCode.RuntimeError.WireName();

    /// <param name="began">Timestamp of the choice of the destination.</param>
    private async Task<(bool IsDone, string? Code)> ForwardAsync(
        RequestProgress progress,
        IDestinationLease lease,
        long began
    )
    {
        metrics.Opened();
        UpstreamCall call;
        UpstreamOutcome outcome;
        try
        {
            (call, outcome) = await CallAsync(progress, lease);
        }
        finally
        {
            metrics.Closed();
        }

        await CountAsync(progress, call, outcome);
        switch (outcome)
        {
            case UpstreamOutcome.Sent:
                progress.Notes.LastByte = clock.GetElapsedTime(progress.Began);
                progress.Note(lease, call.Break?.Reason ?? AnsweredRequest.Ok, 200, clock.GetElapsedTime(began));
                return (true, call.Break?.Reason);
            case UpstreamOutcome.ClientGone:
                progress.Note(lease, ApiErrorCodes.Cancelled, null, clock.GetElapsedTime(began));
                throw new OperationCanceledException(progress.Http.RequestAborted);
            case UpstreamOutcome.Refused:
                await RecordRefusalAsync(progress, lease, call, began);
                return (false, null);
            case UpstreamOutcome.Unreachable:
            case UpstreamOutcome.TimedOut:
                await RecordFailureAsync(progress, lease, outcome, began);
                return (false, null);
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    /// <summary>
    /// Sends the request. A runtime that may speak the client's dialect gets the client's own body. After a firewall has judged
    /// the request, the runtime gets the translation instead, because that is what was judged. A runtime that lacks the path,
    /// refuses the body, or fails on it gets the translation next, because engines serve only parts of a dialect.
    /// </summary>
    private async Task<(UpstreamCall Call, UpstreamOutcome Outcome)> CallAsync(
        RequestProgress progress,
        IDestinationLease lease
    )
    {
        if (
            progress is { Exchange: { } exchange, Guard.Judged.Count: 0 }
            && natives.MaySpeak(lease.Instance, exchange.Native.Kind)
        )
        {
            var native = CallOf(progress, lease, isNative: true);
            var first = await upstream.SendAsync(native);
            if (
                first != UpstreamOutcome.Refused
                || native.Refusal!.Status is not (400 or 404 or 405 or 422 or 500 or 501)
            )
            {
                return (native, first);
            }

            var translated = CallOf(progress, lease, isNative: false);
            var second = await upstream.SendAsync(translated);
            if (second == UpstreamOutcome.Sent && native.Refusal.IsUnsupported)
            {
                natives.Lacks(lease.Instance, exchange.Native.Kind);
            }

            return (translated, second);
        }

        var call = CallOf(progress, lease, isNative: false);
        return (call, await upstream.SendAsync(call));
    }

    /// <summary>Answers how many tokens the prompt has.</summary>
    /// <exception cref="ApiException">The runtime cannot count the prompt.</exception>
    private async Task AnswerCountAsync(RequestProgress progress, IDestinationLease lease, long began)
    {
        var http = progress.Http;
        var instance = lease.Instance;
        if (
            await context.CountAsync(progress.Request, instance, http.Scope().Memory!, http.RequestAborted)
            is not { } count
        )
        {
            throw new ApiException(
                ApiError.Invalid([
                    new FieldFault("model", $"The runtime of '{instance.ServingName}' cannot count this prompt."),
                ])
            );
        }

        progress.Note(lease, AnsweredRequest.Ok, StatusCodes.Status200OK, clock.GetElapsedTime(began));
        http.Response.Headers[InstanceHeader] = instance.ServingName;
        var body = JsonSerializer.SerializeToUtf8Bytes(new { input_tokens = count });
        progress.Client.Begin("application/json; charset=utf-8", body.Length);
        await progress.Client.WriteAsync(body);
    }

    private UpstreamCall CallOf(RequestProgress progress, IDestinationLease lease, bool isNative)
    {
        var http = progress.Http;
        return new UpstreamCall
        {
            Request = progress.Request,
            Exchange = progress.Exchange,
            IsNative = isNative,
            Errors = progress.Errors,
            Instance = lease.Instance,
            Scope = http.Scope(),
            Client = progress.Client,
            Traffic = progress.Traffic,
            Aborted = http.RequestAborted,
            ExplainBreak = what => ExplainAsync(lease, what),
            Answered = () =>
            {
                lease.Succeeded();
                foreach (var (suspect, why) in progress.Suspects)
                {
                    suspect.Failed();
                    suspect.Explained(why);
                }

                progress.Suspects.Clear();
                var first = clock.GetElapsedTime(progress.Began);
                progress.Notes.FirstByte = first;
                metrics.FirstByte(first);
                if (http.Response.HasStarted)
                {
                    return;
                }

                http.Response.Headers[InstanceHeader] = lease.Instance.ServingName;
                if (progress.Guard.Matched.Count > 0)
                {
                    http.Response.Headers[MatchedHeader] = string.Join(',', progress.Guard.Matched);
                }
            },
        };
    }

    /// <summary>
    /// Counts the tokens of the one destination whose answer the client received, or was receiving when it disconnected.
    /// </summary>
    private async Task CountAsync(RequestProgress progress, UpstreamCall call, UpstreamOutcome outcome)
    {
        if (outcome is not (UpstreamOutcome.Sent or UpstreamOutcome.ClientGone))
        {
            return;
        }

        // The runtime reports its counts at the end of a stream. Without them, one token per event is assumed.
        var served = call.Usage;
        if (served.Completion == 0)
        {
            served = served with { Completion = call.Chunks };
        }

        var isCutOff = outcome == UpstreamOutcome.ClientGone || call.Break is not null;
        if (served.Prompt == 0 && isCutOff && progress.Request.Kind.HasReader())
        {
            served = served with { Prompt = await context.PromptTokensAsync(progress.Request, call.Instance) };
        }

        progress.Notes.PromptTokens = served.Prompt;
        progress.Notes.CompletionTokens = served.Completion;
        metrics.Tokens(served.Prompt, served.Completion);
        call.CountOutput(served.Completion);
        usage.Count(call.Instance, progress.Http.Scope().Caller?.KeyId, served);
    }

    /// <summary>The destination did not answer, or broke off before the first event: the caller tries the next one.</summary>
    /// <exception cref="ApiException">There is no other one.</exception>
    private async Task RecordFailureAsync(
        RequestProgress progress,
        IDestinationLease lease,
        UpstreamOutcome outcome,
        long began
    )
    {
        var what = outcome == UpstreamOutcome.TimedOut ? "took too long" : "could not be reached or broke off";
        progress.Note(lease, RuntimeError, null, clock.GetElapsedTime(began));
        progress.Diagnosis = ExplainAsync(lease, what);
        if (progress.Served is ServedInstance)
        {
            throw new ApiException(await progress.Diagnosis);
        }
    }

    /// <summary>The destination answered with an error: keeps it in case no other one answers.</summary>
    /// <exception cref="ApiException">The request itself is invalid: no other destination would accept it.</exception>
    private async Task RecordRefusalAsync(
        RequestProgress progress,
        IDestinationLease lease,
        UpstreamCall call,
        long began
    )
    {
        var refusal = call.Refusal!;
        var end = MayBeGone(refusal) ? await diagnosis.EndOfAsync(lease.Instance) : null;
        var error = end is not null ? ApiError.Of(end) : RefusalReading.Of(call, refusal);
        progress.Note(lease, error.Reason, refusal.Status, clock.GetElapsedTime(began));
        progress.Refuse(new ApiException(error));
        if (end is not null || IsUnhealthy(refusal, error))
        {
            lease.Failed();
            lease.Explained(error);
        }
        else if (refusal.IsAmbiguous && error.Reason == RuntimeError)
        {
            progress.Suspects.Add((lease, error));
        }
        else if (!refusal.IsUnsupported && !IsOfInstance(error))
        {
            throw progress.Refusal!;
        }
    }

    /// <summary>
    /// Diagnoses a runtime that does not answer. Marks the destination as failed first, so that no further request
    /// goes there.
    /// </summary>
    private async Task<ApiError> ExplainAsync(IDestinationLease lease, string what)
    {
        lease.Failed();
        var why = ApiError.Of(await diagnosis.DiagnoseAsync(lease.Instance, what));
        lease.Explained(why);
        return why;
    }

    /// <summary>Whether the answer alone proves that the destination is unhealthy, whatever the request is.</summary>
    private static bool IsUnhealthy(UpstreamRefusal refusal, ApiError error) =>
        error.Reason == RuntimeError && refusal is { IsFull: false, IsUnsupported: false, IsAmbiguous: false };

    /// <summary>
    /// Whether an error may come from a proxy in front of a runtime that is gone. Every runtime has these paths, so a
    /// 404 is suspicious, and proxies answer 5xx for a missing backend. A 501 is llama-server's own.
    /// </summary>
    private static bool MayBeGone(UpstreamRefusal refusal) => refusal.Status is 404 or 500 or 502 or 503 or 504;

    /// <summary>Whether another instance might accept the request that this one refused.</summary>
    private static bool IsOfInstance(ApiError error) =>
        error.Reason is "CTX_TOO_LARGE" or "RATE_LIMITED" or "RUNTIME_ERROR";
}
