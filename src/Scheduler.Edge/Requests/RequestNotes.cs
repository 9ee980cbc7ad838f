using Scheduler.Domain.Ids;
using Scheduler.Domain.Requests;

namespace Scheduler.Edge.Requests;

/// <summary>
/// What the parts of the process note about a request while it runs, for <see cref="RequestLog"/>. One request uses it
/// on one thread at a time.
/// </summary>
internal sealed class RequestNotes
{
    private List<RequestAttempt>? _attempts;

    /// <summary>See <see cref="AnsweredRequest.Plane"/>; null while nothing serves the path.</summary>
    public string? Plane { get; set; }

    /// <summary>See <see cref="AnsweredRequest.What"/>; null takes the pattern of the endpoint.</summary>
    public string? What { get; set; }

    /// <summary>The refusal, or the error that ended a stream; null for none.</summary>
    public string? Code { get; set; }

    /// <summary>The account that the request is for; null takes the caller's.</summary>
    public AccountId? Account { get; set; }

    /// <summary>A text that is no serving name is not kept: callers confuse fields, and a prompt must not be kept.</summary>
    public string? ServingName
    {
        get;
        set => field = value is not null && Grammar.IsServingName(value) ? value : null;
    }

    public string? Resource { get; set; }

    public TimeSpan? Queued { get; set; }

    public TimeSpan? Judged { get; set; }

    public TimeSpan? FirstByte { get; set; }

    public TimeSpan? LastByte { get; set; }

    public long? PromptTokens { get; set; }

    public long? CompletionTokens { get; set; }

    public IReadOnlyList<RequestAttempt> Attempts => _attempts ?? [];

    public void Tried(RequestAttempt attempt) => (_attempts ??= []).Add(attempt);

    public void AddJudged(TimeSpan time) => Judged = (Judged ?? TimeSpan.Zero) + time;
}

/// <summary>Planes of <see cref="AnsweredRequest.Plane"/>.</summary>
internal static class Planes
{
    public const string Inference = "inference";
    public const string Api = "api";
    public const string Dashboard = "dashboard";
    public const string None = "none";
}
