using System.Collections.Immutable;
using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Requests;

/// <summary>
/// What is kept about one request after its answer: who sent it, what for, how it ended, and how long each part took.
/// It contains no text of a prompt, an answer or an error.
/// </summary>
[GenerateSerializer, Immutable, Alias("scheduler.AnsweredRequest")]
public sealed record AnsweredRequest
{
    /// <summary><see cref="Code"/> of a request that was not refused.</summary>
    public const string Ok = "OK";

    [Id(0)]
    public RequestId Id { get; init; }

    /// <summary>The caller's own id; null without a well-formed one.</summary>
    [Id(1)]
    public string? CorrelationId { get; init; }

    /// <summary>The account whose keys may see it; null for operators only.</summary>
    [Id(2)]
    public AccountId? Account { get; init; }

    /// <summary>Id of the caller's key; null when no valid key was sent.</summary>
    [Id(3)]
    public string? KeyId { get; init; }

    /// <summary>Time of arrival.</summary>
    [Id(4)]
    public DateTimeOffset At { get; init; }

    /// <summary><c>inference</c>, <c>api</c> or <c>dashboard</c>; <c>none</c> for a path that nothing serves.</summary>
    [Id(5)]
    public string Plane { get; init; } = "";

    /// <summary>Method of the API, or HTTP method and path pattern; never the path as it was sent.</summary>
    [Id(6)]
    public string What { get; init; } = "";

    /// <summary>HTTP status. A stream that began well has 200, also when it ended with an error.</summary>
    [Id(7)]
    public int Status { get; init; }

    /// <summary><see cref="Ok"/>, or the code of the refusal or of the error that ended the stream.</summary>
    [Id(8)]
    public string Code { get; init; } = Ok;

    /// <summary>The name that the caller sent as <c>model</c>; null if it cannot be a serving name.</summary>
    [Id(9)]
    public string? ServingName { get; init; }

    /// <summary>The resource of an API request; null without a valid one.</summary>
    [Id(10)]
    public string? Resource { get; init; }

    /// <summary>The destinations in the order in which they were tried.</summary>
    [Id(11)]
    public ImmutableArray<RequestAttempt> Attempts { get; init; } = [];

    /// <summary>Wait for admission: key check and limits.</summary>
    [Id(12)]
    public TimeSpan? Queued { get; init; }

    /// <summary>Time for all firewalls together.</summary>
    [Id(13)]
    public TimeSpan? Judged { get; init; }

    /// <summary>From arrival to the runtime's first event or byte.</summary>
    [Id(14)]
    public TimeSpan? FirstByte { get; init; }

    /// <summary>From arrival to the runtime's last byte.</summary>
    [Id(15)]
    public TimeSpan? LastByte { get; init; }

    /// <summary>From arrival to the end of the answer.</summary>
    [Id(16)]
    public TimeSpan Took { get; init; }

    /// <summary>As the runtime counted them; null when nothing was counted.</summary>
    [Id(17)]
    public long? PromptTokens { get; init; }

    [Id(18)]
    public long? CompletionTokens { get; init; }

    /// <summary>Whether a key of the account may see it; null is an operator.</summary>
    public bool IsVisibleTo(AccountId? account) => account is null || account == Account;

    /// <summary>Whether it has this id, or the caller gave it this id.</summary>
    public bool HasId(string id) =>
        string.Equals(Id.Value, id, StringComparison.Ordinal)
        || string.Equals(CorrelationId, id, StringComparison.Ordinal);
}

/// <summary>One destination that a request was sent to, or that refused it before.</summary>
/// <param name="Code"><c>OK</c>, or the code of its failure or refusal.</param>
/// <param name="Status">HTTP status of the runtime; null without an answer.</param>
/// <param name="Took">From the choice of the destination to its end.</param>
[GenerateSerializer, Immutable, Alias("scheduler.RequestAttempt")]
public sealed record RequestAttempt(
    [property: Id(0)] InstanceId Instance,
    [property: Id(1)] string ServingName,
    [property: Id(2)] string Code,
    [property: Id(3)] int? Status,
    [property: Id(4)] TimeSpan Took
);
