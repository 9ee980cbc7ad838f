using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Requests;
using Scheduler.Edge;
using Scheduler.Edge.Limits;
using Scheduler.Edge.Requests;
using Scheduler.Inference.Balancers;
using Scheduler.Inference.ContextCheck;
using Scheduler.Inference.Dialects;
using Scheduler.Inference.Guard;
using Scheduler.Inference.Services;
using Scheduler.Inference.Serving;
using Scheduler.Inference.Upstream;

namespace Scheduler.Inference.Gateway;

/// <summary>
/// The steps of a request: authenticate, parse, translate a dialect, resolve the name, run the firewalls, check the
/// context, take a slot, then send. With a balancer or a service, and while the client has received nothing, a failed request is sent to another
/// destination.
/// </summary>
internal sealed partial class RequestPath(
    [FromKeyedServices(InferenceSetup.AdmissionKey)] RequestAdmission admission,
    IServingTable names,
    RequestFirewalls firewalls,
    IDestinationPicker picker,
    ReplicaPlaces places,
    LoadMeter loads,
    ContextGuard context,
    InstanceSlots slots,
    UpstreamForwarder upstream,
    InstanceDiagnosis diagnosis,
    NativeDialects natives,
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
        var notes = http.Scope().Notes;
        try
        {
            notes.Code = await AnswerAsync(http, kind);
        }
        catch (ApiException refused) when (http.Response.HasStarted)
        {
            // The stream has begun with a comment, so the refusal is its only event.
            notes.Code = refused.Error.Reason;
            await http.Response.Body.WriteAsync(kind.Errors().Event(refused.Error, http.Scope()), http.RequestAborted);
        }
        catch (ApiException refused)
        {
            notes.Code = refused.Error.Reason;
            throw;
        }
        catch (OperationCanceledException)
        {
            notes.Code = ApiErrorCodes.Cancelled;
            throw;
        }
        catch
        {
            notes.Code = ApiErrorCodes.Internal;
            throw;
        }
        finally
        {
            metrics.Ended(kind.ToString(), notes.Code ?? AnsweredRequest.Ok);
        }
    }

    private async Task<string?> AnswerAsync(HttpContext http, RequestKind kind)
    {
        var notes = http.Scope().Notes;
        var began = clock.GetTimestamp();
        var bytes = (int)Math.Min(http.Request.ContentLength ?? options.Value.MaxBodyBytes, int.MaxValue);
        using var admitted = await admission.AdmitAsync(http, new RequestLoad(IsStream: false, bytes), changes: true);
        notes.Queued = clock.GetElapsedTime(began);
        var body = await RequestBody.ReadAsync(http, kind, options.Value.MaxBodyBytes);
        var request = kind.TakesForm()
            ? await FormReader.ReadAsync(kind, body, http.Request.ContentType!)
            : RequestReader.Read(kind, body);
        var exchange = DialectExchange.Of(request, http.Request.Headers, admitted.Memory);
        notes.ServingName = request.Model;
        var account = AccountOf(http);
        notes.Account = account;
        var served = await ServedAsync(account, request.Model, http.RequestAborted);
        await using var client = new ClientAnswer(http, kind.Errors(), clock);
        return await SendAsync(
            new RequestProgress(
                http,
                new RequestGuard(exchange?.Chat ?? request, admitted.Memory),
                served,
                client,
                began
            )
            {
                Exchange = exchange,
                Errors = kind.Errors(),
            }
        );
    }

    /// <exception cref="ApiException">MODEL_NOT_FOUND.</exception>
    private async ValueTask<Served> ServedAsync(AccountId account, string model, CancellationToken cancellationToken)
    {
        // No grain is asked about a text that cannot be a serving name.
        return (Grammar.IsServingName(model) ? await names.FindAsync(account, model, cancellationToken) : null)
            ?? throw Unknown(model);
    }

    /// <summary>MODEL_NOT_FOUND for a name of any length.</summary>
    public static ApiException Unknown(string model)
    {
        const int longestShown = 64;
        return Refused(new NameUnknownFacts(model.Length <= longestShown ? model : $"{model[..longestShown]}…"));
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

    /// <summary>Sends the request to one destination after another until one answers.</summary>
    /// <returns>The error code sent in the middle of a stream; null without an error.</returns>
    private async Task<string?> SendAsync(RequestProgress progress)
    {
        using var visit = Visit(progress);
        await PassFirewallsAsync(progress, progress.Served.Firewall, progress.Served as ServedInstance);
        if (progress.Request.IsStream)
        {
            progress.Client.KeepAlive();
        }

        while (true)
        {
            using var lease = await DestinationAsync(progress);
            var instance = lease.Instance;
            var began = clock.GetTimestamp();
            try
            {
                await FollowAsync(progress, lease);
                await PassFirewallsAsync(progress, instance.Firewall, instance);
                if (progress.Exchange is { CountsOnly: true })
                {
                    await AnswerCountAsync(progress, lease, began);
                    return null;
                }

                await context.CheckAsync(
                    progress.Request,
                    instance,
                    progress.Http.Scope().Memory!,
                    progress.Http.RequestAborted
                );
                using var slot = lease is ReplicaPlace ? default : slots.Take(instance);
                var (isDone, code) = await ForwardAsync(progress, lease, began);
                if (isDone)
                {
                    return code;
                }
            }
            catch (ApiException refused) when (!progress.HasNoted(lease))
            {
                progress.Note(lease, refused.Error.Reason, null, clock.GetElapsedTime(began));
                if (progress.Served is not ServedBalancer || !IsOfInstance(refused.Error))
                {
                    throw;
                }

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
                // Waiting does not help: it must be started.
                : throw new ApiException(
                    ApiError.Of(InstanceDiagnosis.NotServing(instance)) with
                    {
                        RetryAfter = null,
                    }
                );
        }

        progress.Routing ??= new RoutingQuestion(
            (ServedBalancer)progress.Served,
            () => progress.Guard.Prompt,
            progress.Tried,
            progress.Http.Scope().Id
        )
        {
            KeyOf = policy => AffinityKeys.Of(policy, progress.Http, progress.Request),
        };
        var chosen = progress.Traffic is { } traffic
            ? await ReplicaAsync(progress, traffic)
            : await picker.PickAsync(progress.Routing, progress.Http.RequestAborted);
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

    private async ValueTask PassFirewallsAsync(RequestProgress progress, string? attached, ServedInstance? destination)
    {
        var began = clock.GetTimestamp();
        try
        {
            await firewalls.PassAsync(
                progress.Guard,
                progress.Served,
                attached,
                destination,
                progress.Http.Scope().Id,
                progress.Http.RequestAborted
            );
        }
        finally
        {
            if (progress.Guard.Judged.Count > 0)
            {
                progress.Notes.AddJudged(clock.GetElapsedTime(began));
            }
        }
    }

    private static ApiException Refused(FailureFacts facts) => new(ApiError.Of(FailureCatalogue.Describe(facts)));

    private sealed record RequestProgress(
        HttpContext Http,
        RequestGuard Guard,
        Served Served,
        ClientAnswer Client,
        long Began
    )
    {
        private IDestinationLease? _noted;

        /// <summary>What the serving name leads to; of a service, the version that chose the replica.</summary>
        public Served Served { get; set; } = Served;

        /// <summary>Null unless the request is for a service.</summary>
        public ServiceTraffic? Traffic { get; set; }

        /// <summary>The request in the client's own dialect; null for a client that speaks as the runtimes do.</summary>
        public DialectExchange? Exchange { get; init; }

        /// <summary>The form of errors that the client understands.</summary>
        public required ClientErrors Errors { get; init; }

        public RequestNotes Notes { get; } = Http.Scope().Notes;

        /// <summary>What the destinations get.</summary>
        public InferenceRequest Request => Guard.Request;

        /// <summary>Instances that failed or refused the request.</summary>
        public HashSet<InstanceId> Tried { get; } = [];

        /// <summary>
        /// Destinations that answered 500. If another one then serves the request, they are unhealthy. Otherwise the request may
        /// be the cause.
        /// </summary>
        public List<(IDestinationLease Lease, ApiError Why)> Suspects { get; } = [];

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

        public bool HasNoted(IDestinationLease lease) => ReferenceEquals(_noted, lease);

        /// <summary>Notes how the request ended at a destination.</summary>
        public void Note(IDestinationLease lease, string code, int? status, TimeSpan took)
        {
            _noted = lease;
            Notes.Tried(new RequestAttempt(lease.Instance.Id, lease.Instance.ServingName, code, status, took));
        }
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
