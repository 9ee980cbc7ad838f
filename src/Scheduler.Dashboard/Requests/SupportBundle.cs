using System.Collections.Immutable;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Scheduler.Domain.Balancers;
using Scheduler.Domain.Events;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Keys;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Requests;
using Scheduler.Edge;
using Scheduler.Grains.Billing;
using Scheduler.Grains.Providers;

namespace Scheduler.Dashboard.Requests;

/// <summary>
/// Content of a support ticket about a request, without secrets: its events, and the current state of the affected
/// resources. Stored records are copied field by field, so that a new field gets into a bundle only after a review.
/// Specs and API views are included whole.
/// </summary>
internal sealed record SupportBundle
{
    private static readonly JsonSerializerOptions Shape = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        WriteIndented = true,

        // Safe, because the JSON is only downloaded as a file and never embedded in a page.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
    };

    public required string RequestId { get; init; }

    public required string SchedulerVersion { get; init; }

    public required DateTimeOffset MadeAt { get; init; }

    /// <summary>Access scope of the bundle: an account, or <c>operator</c>.</summary>
    public required string MadeFor { get; init; }

    public string Units { get; } = "Amounts of money are in micro-EUR (1 EUR = 1,000,000); times are UTC.";

    public required ImmutableArray<AnswerPart> Answers { get; init; }

    public required ImmutableArray<EventPart> Events { get; init; }

    public required ImmutableArray<InstancePart> Instances { get; init; }

    public required ImmutableArray<AccountView> Accounts { get; init; }

    public required ImmutableArray<ProviderView> Providers { get; init; }

    public required ImmutableArray<BalancerPart> Balancers { get; init; }

    public required ImmutableArray<KeyPart> Keys { get; init; }

    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, Shape);
}

/// <summary>An answered request.</summary>
internal sealed record AnswerPart(
    string RequestId,
    string? CorrelationId,
    string? Account,
    string? KeyId,
    DateTimeOffset At,
    string Plane,
    string What,
    int Status,
    string Code,
    string? ServingName,
    string? Resource,
    ImmutableArray<AttemptPart> Attempts,
    TimeSpan? Queued,
    TimeSpan? Judged,
    TimeSpan? FirstByte,
    TimeSpan? LastByte,
    TimeSpan Took,
    long? PromptTokens,
    long? CompletionTokens
)
{
    public static AnswerPart Of(AnsweredRequest request) =>
        new(
            request.Id.Value,
            request.CorrelationId,
            request.Account?.Value,
            request.KeyId,
            request.At,
            request.Plane,
            request.What,
            request.Status,
            request.Code,
            request.ServingName,
            request.Resource,
            [
                .. request.Attempts.Select(tried => new AttemptPart(
                    tried.Instance.Value,
                    tried.ServingName,
                    tried.Code,
                    tried.Status,
                    tried.Took
                )),
            ],
            request.Queued,
            request.Judged,
            request.FirstByte,
            request.LastByte,
            request.Took,
            request.PromptTokens,
            request.CompletionTokens
        );
}

internal sealed record AttemptPart(string Instance, string ServingName, string Code, int? Status, TimeSpan Took);

internal sealed record EventPart(
    string? Subject,
    long Sequence,
    DateTimeOffset At,
    string Trigger,
    string? From,
    string? To,
    string Reason,
    string RequestId,
    string Actor,
    string? FailureCode,
    ImmutableSortedDictionary<string, string> Data
)
{
    public static EventPart Of(StoredEvent happened, EventSubject? subject = null) =>
        new(
            subject is null ? null : $"{subject.Kind}/{subject.Id}",
            happened.Sequence,
            happened.At,
            happened.Trigger,
            happened.From,
            happened.To,
            Masking.Text(happened.Reason),
            happened.RequestId.Value,
            happened.Actor,
            happened.Code == Domain.Failures.FailureCode.None ? null : happened.Code.WireName(),
            Masking.Facts(happened.Data)
        );
}

/// <summary>Current state of an instance, and its whole timeline.</summary>
internal sealed record InstancePart(
    string Id,
    string Account,
    string ServingName,
    InstanceState State,
    DateTimeOffset StateSince,
    long Generation,
    int Run,
    int Attempt,
    int Reroutes,
    string? Firewall,
    ImmutableSortedDictionary<string, string> Labels,
    LaunchSpec Spec,
    PlacementPart? Placement,
    AllocationPart? Allocation,
    FailurePart? Failure,
    ImmutableArray<DebtPart> Owed,
    ImmutableArray<AvoidedRoute> AvoidedRoutes,
    DateTimeOffset CreatedAt,
    DateTimeOffset UpdatedAt,
    DateTimeOffset? WakeAt,
    ImmutableArray<EventPart> Timeline
)
{
    public static InstancePart Of(InstanceRecord record, IEnumerable<StoredEvent> timeline) =>
        new(
            record.Id.Value,
            record.Account.Value,
            record.ServingName,
            record.State,
            record.StateSince,
            record.Generation,
            record.Run,
            record.Attempt,
            record.Reroutes,
            record.Firewall,
            Masking.Facts(record.Labels),
            record.Spec.Masked(),
            record.Intent is { } intent ? PlacementPart.Of(intent) : null,
            record.Allocation is { } allocation ? AllocationPart.Of(allocation) : null,
            record.Failure is { } failure ? FailurePart.Of(failure) : null,
            [
                .. record.PendingCleanups.Select(debt => new DebtPart(
                    debt.Kind,
                    debt.Provider.Value,
                    debt.Run,
                    debt.Since
                )),
            ],
            record.AvoidedRoutes,
            record.CreatedAt,
            record.UpdatedAt,
            record.WakeAt,
            [.. timeline.Select(happened => EventPart.Of(happened))]
        );
}

internal sealed record PlacementPart(
    string Key,
    Offer Offer,
    long PricePerHourMicroEur,
    string Why,
    DateTimeOffset AllocationDeadline,
    DateTimeOffset? StartDeadline
)
{
    public static PlacementPart Of(AllocationIntent intent) =>
        new(
            intent.Key.Value,
            intent.Offer,
            intent.PriceSnapshot.Value,
            Masking.Text(intent.Why),
            intent.AllocationDeadline,
            intent.StartDeadline
        );
}

/// <summary>An allocation without its address, which may contain credentials.</summary>
internal sealed record AllocationPart(
    string ProviderAllocationId,
    Domain.Providers.AllocationStatus Status,
    DateTimeOffset CreatedAt
)
{
    public static AllocationPart Of(Domain.Providers.Allocation allocation) =>
        new(allocation.ProviderAllocationId, allocation.Status, allocation.CreatedAt);
}

internal sealed record FailurePart(
    string Code,
    string Message,
    string Hint,
    ImmutableSortedDictionary<string, string> Details,
    string RequestId,
    DateTimeOffset FailedAt,
    int Run,
    int Attempt
)
{
    public static FailurePart Of(FailureRecord record) =>
        new(
            record.Failure.Code.WireName(),
            Masking.Text(record.Failure.Message),
            Masking.Text(record.Failure.Hint),
            Masking.Facts(record.Failure.Details),
            record.RequestId.Value,
            record.FailedAt,
            record.Run,
            record.Attempt
        );
}

/// <summary>A pending cleanup.</summary>
internal sealed record DebtPart(CleanupKind Kind, string Provider, int Run, DateTimeOffset Since);

/// <summary>A balancer, without the prompt of its router.</summary>
internal sealed record BalancerPart(
    string Id,
    string Account,
    string ServingName,
    long Generation,
    RoutingMode RoutingMode,
    ImmutableArray<string> Destinations,
    string? Firewall,
    DateTimeOffset CreatedAt,
    DateTimeOffset UpdatedAt,
    DateTimeOffset? DeletedAt
)
{
    public static BalancerPart Of(BalancerRecord record) =>
        new(
            record.Id.Value,
            record.Account.Value,
            record.ServingName,
            record.Generation,
            record.Spec.RoutingMode,
            record.Spec.Destinations,
            record.Spec.Firewall,
            record.CreatedAt,
            record.UpdatedAt,
            record.DeletedAt
        );
}

/// <summary>The public half of a key; neither the secret nor its digest.</summary>
internal sealed record KeyPart(
    string Id,
    string? Account,
    string DisplayName,
    DateTimeOffset CreatedAt,
    DateTimeOffset? RevokedAt,
    DateTimeOffset? LastUsedAt
)
{
    public static KeyPart Of(KeyRecord record) =>
        new(
            record.Id,
            record.Account?.Value,
            record.DisplayName,
            record.CreatedAt,
            record.RevokedAt,
            record.LastUsedAt
        );
}
