using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Edge;
using Scheduler.Edge.Limits;
using Scheduler.Inference.Balancers;
using Scheduler.Inference.ContextCheck;
using Scheduler.Inference.Guard;
using Scheduler.Inference.Serving;
using Scheduler.Inference.Upstream;

namespace Scheduler.Inference.Gateway;

/// <summary>
/// The steps of a request: authenticate, parse, resolve the name, run the firewalls, check the context, take a slot,
/// then send. With a balancer, and while the client has received nothing, a failed request is sent to another
/// destination.
/// </summary>
internal sealed class RequestPath(
    [FromKeyedServices(InferenceSetup.AdmissionKey)] RequestAdmission admission,
    IServingTable names,
    RequestFirewalls firewalls,
    IDestinationPicker picker,
    ContextGuard context,
    InstanceSlots slots,
    UpstreamForwarder upstream,
    InstanceDiagnosis diagnosis,
    InferenceMetrics metrics,
    UsageCounter usage,
    IOptions<InferenceOptions> options,
    TimeProvider clock
)
{
    /// <summary>Header: slugs of the rules matched by firewalls in allow mode.</summary>
    private const string MatchedHeader = "X-Firewall-Matched";

    /// <summary>Header: serving name of the answering instance.</summary>
    private const string InstanceHeader = "X-Instance";

    public async Task HandleAsync(HttpContext http, RequestKind kind)
    {
        var began = clock.GetTimestamp();
        var code = "OK";
        try
        {
            var bytes = (int)Math.Min(http.Request.ContentLength ?? options.Value.MaxBodyBytes, int.MaxValue);
            using var admitted = await admission.AdmitAsync(
                http,
                new RequestLoad(IsStream: false, bytes),
                changes: true
            );
            var body = await RequestBody.ReadAsync(http, options.Value.MaxBodyBytes);
            var request = RequestReader.Read(kind, body);
            var account = AccountOf(http);
            var served =
                await FindAsync(account, request.Model, http.RequestAborted)
                ?? throw Refused(new NameUnknownFacts(RequestReader.Shown(request.Model)));
            var progress = new RequestProgress(http, new RequestGuard(request), served, began);
            code = await SendAsync(progress) ?? code;
        }
        catch (ApiException refused)
        {
            code = refused.Error.Reason;
            throw;
        }
        catch (OperationCanceledException)
        {
            code = ApiErrorCodes.Cancelled;
            throw;
        }
        catch
        {
            code = ApiErrorCodes.Internal;
            throw;
        }
        finally
        {
            metrics.Ended(kind.ToString(), code);
        }
    }

    /// <summary>The account whose serving names the caller means.</summary>
    /// <exception cref="ApiException">An operator did not name an account.</exception>
    public static AccountId AccountOf(HttpContext http)
    {
        const string header = "OpenAI-Organization";
        var caller = http.Scope().Caller!;
        if (caller.Account is { } own)
        {
            return own;
        }

        var said = http.Request.Headers[header];
        return said is [{ Length: > 0 and <= 64 } account]
            ? new AccountId(account)
            : throw new ApiException(
                new ApiError(
                    Grpc.Core.StatusCode.PermissionDenied,
                    StatusCodes.Status403Forbidden,
                    ApiErrorCodes.PermissionDenied,
                    $"An operator key belongs to no account. Use an account's key, or name the account in the header {header}."
                )
            );
    }

    /// <summary>No target has a name that is longer than a serving name can be.</summary>
    private async ValueTask<Served?> FindAsync(AccountId account, string name, CancellationToken cancellationToken) =>
        name.Length <= RequestReader.LongestName ? await names.FindAsync(account, name, cancellationToken) : null;

    /// <summary>Sends the request to one destination after another until one answers.</summary>
    /// <returns>The error code sent in the middle of a stream; null without an error.</returns>
    private async Task<string?> SendAsync(RequestProgress progress)
    {
        await PassFirewallsAsync(progress, progress.Served.Firewall, progress.Served as ServedInstance);
        while (true)
        {
            using var lease = await DestinationAsync(progress);
            var instance = lease.Instance;
            try
            {
                await PassFirewallsAsync(progress, instance.Firewall, instance);
                await context.CheckAsync(progress.Request, instance, progress.Http.RequestAborted);
                using var slot = slots.Take(instance);
                var (isDone, code) = await ForwardAsync(progress, lease);
                if (isDone)
                {
                    return code;
                }
            }
            catch (ApiException refused) when (progress.Served is ServedBalancer && IsOfInstance(refused.Error))
            {
                // Another destination may have a larger context, or a free slot.
                progress.Refuse(refused);
            }

            progress.Tried.Add(instance.Id);
        }
    }

    private async ValueTask<IDestinationLease> DestinationAsync(RequestProgress progress)
    {
        if (progress.Served is ServedInstance instance)
        {
            if (progress.Refusal is { } refusal)
            {
                throw refusal;
            }

            return instance.IsServing
                ? new OnlyDestination(instance)
                : throw new ApiException(ApiError.Of(InstanceDiagnosis.NotServing(instance)));
        }

        progress.Routing ??= new RoutingQuestion(
            (ServedBalancer)progress.Served,
            () => progress.Guard.Prompt,
            progress.Tried,
            progress.Http.Scope().Id
        );
        var chosen = await picker.PickAsync(progress.Routing, progress.Http.RequestAborted);
        if (chosen.Lease is { } lease)
        {
            if (progress.Tried.Count > 0)
            {
                metrics.FailedOver();
            }

            return lease;
        }

        // The last destination's own error is more specific than the absence of further destinations.
        throw progress.Diagnosis is { } sought
            ? new ApiException(await sought)
            : progress.Refusal ?? new ApiException(ApiError.Of(chosen.Refusal!));
    }

    private ValueTask PassFirewallsAsync(RequestProgress progress, string? attached, ServedInstance? destination) =>
        firewalls.PassAsync(
            progress.Guard,
            progress.Served,
            attached,
            destination,
            progress.Http.Scope().Id,
            progress.Http.RequestAborted
        );

    private async Task<(bool IsDone, string? Code)> ForwardAsync(RequestProgress progress, IDestinationLease lease)
    {
        var http = progress.Http;
        var call = new UpstreamCall
        {
            Request = progress.Request,
            Instance = lease.Instance,
            Scope = http.Scope(),
            Aborted = http.RequestAborted,
            ExplainBreak = what => ExplainAsync(lease, what),
            Answered = () =>
            {
                lease.Succeeded();
                metrics.FirstByte(clock.GetElapsedTime(progress.Began));
                http.Response.Headers[InstanceHeader] = lease.Instance.ServingName;
                if (progress.Guard.Matched.Count > 0)
                {
                    http.Response.Headers[MatchedHeader] = string.Join(',', progress.Guard.Matched);
                }
            },
        };
        metrics.Opened();
        var outcome = await upstream.SendAsync(http, call);
        metrics.Closed();
        var served = call.Usage.Completion == 0 ? call.Usage with { Completion = call.Chunks } : call.Usage;
        metrics.Tokens(served.Prompt, served.Completion);
        if (outcome is UpstreamOutcome.Sent or UpstreamOutcome.ClientGone)
        {
            usage.Count(lease.Instance, served);
        }

        switch (outcome)
        {
            case UpstreamOutcome.Sent:
                return (true, call.Break?.Reason);
            case UpstreamOutcome.ClientGone:
                throw new OperationCanceledException(http.RequestAborted);
            case UpstreamOutcome.Refused:
            case UpstreamOutcome.Unreachable:
            case UpstreamOutcome.TimedOut:
                await RecordRefusalAsync(progress, lease, call, outcome);
                return (false, null);
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    /// <summary>Nothing was sent to the client yet: keeps the cause in case no other one answers.</summary>
    /// <exception cref="ApiException">The request itself is invalid: no other destination would accept it.</exception>
    private async Task RecordRefusalAsync(
        RequestProgress progress,
        IDestinationLease lease,
        UpstreamCall call,
        UpstreamOutcome outcome
    )
    {
        progress.Http.Response.Clear();
        if (outcome != UpstreamOutcome.Refused)
        {
            var what = outcome == UpstreamOutcome.TimedOut ? "took too long" : "could not be reached or broke off";
            progress.Diagnosis = ExplainAsync(lease, what);
            if (progress.Served is ServedInstance)
            {
                throw new ApiException(await progress.Diagnosis);
            }

            // The next destination need not wait for the diagnosis.
            return;
        }

        var end = MayBeGone(call.Refusal!) ? await diagnosis.EndOfAsync(lease.Instance) : null;
        var error = end is not null ? ApiError.Of(end) : RefusalReading.Of(call, call.Refusal!);
        progress.Refuse(new ApiException(error));
        if (end is not null || error.HttpStatus >= StatusCodes.Status500InternalServerError)
        {
            lease.Failed();
            lease.Explained(error);
        }
        else if (!IsOfInstance(error))
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

    /// <summary>
    /// Whether an error may come from a proxy in front of a runtime that is gone. Every runtime has these paths, so a
    /// 404 is suspicious, and proxies answer 5xx for a missing backend. A 501 is llama-server's own.
    /// </summary>
    private static bool MayBeGone(UpstreamRefusal refusal) => refusal.Status is 404 or 500 or 502 or 503 or 504;

    /// <summary>Whether another instance might accept the request that this one refused.</summary>
    private static bool IsOfInstance(ApiError error) =>
        error.Reason is "CTX_TOO_LARGE" or "RATE_LIMITED" or "RUNTIME_ERROR";

    private static ApiException Refused(FailureFacts facts) => new(ApiError.Of(FailureCatalogue.Describe(facts)));

    private sealed record RequestProgress(HttpContext Http, RequestGuard Guard, Served Served, long Began)
    {
        /// <summary>What the destinations get.</summary>
        public InferenceRequest Request => Guard.Request;

        /// <summary>Instances that failed or refused the request.</summary>
        public HashSet<InstanceId> Tried { get; } = [];

        /// <summary>Why the last destination refused the request.</summary>
        public ApiException? Refusal { get; private set; }

        /// <summary>
        /// The running diagnosis of the last destination that did not answer; takes precedence over
        /// <see cref="Refusal"/>.
        /// </summary>
        public Task<ApiError>? Diagnosis { get; set; }

        /// <summary>The question to the balancer, reused for every pick.</summary>
        public RoutingQuestion? Routing { get; set; }

        public void Refuse(ApiException refusal) => (Refusal, Diagnosis) = (refusal, null);
    }

    /// <summary>The destination of a request that names an instance.</summary>
    private sealed record OnlyDestination(ServedInstance Instance) : IDestinationLease
    {
        public void Succeeded() { }

        public void Failed() { }

        public void Explained(ApiError why) { }

        public void Dispose() { }
    }
}
