using Scheduler.Domain.Ids;

namespace Scheduler.Grains;

/// <summary>Origin of a command; appears on every log line and timeline event.</summary>
/// <param name="RequestId">The <c>X-Request-Id</c> that the server generated.</param>
/// <param name="Actor"><c>key:{id}</c> or <c>scheduler</c>.</param>
/// <param name="Account">Account the caller may act for; null means all (operator).</param>
/// <param name="ClientRequestId">
/// The caller's idempotency id, or null. The same command with the same id is executed once, however often it is
/// sent.
/// </param>
[GenerateSerializer, Immutable, Alias("scheduler.CommandContext")]
public sealed record CommandContext(
    [property: Id(0)] RequestId RequestId,
    [property: Id(1)] string Actor,
    [property: Id(2)] AccountId? Account,
    [property: Id(3)] string? ClientRequestId = null
);
