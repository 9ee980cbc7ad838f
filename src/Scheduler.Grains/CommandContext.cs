using Scheduler.Domain.Ids;

namespace Scheduler.Grains;

/// <summary>Under what a command is given: it goes onto every log line and timeline event.</summary>
/// <param name="RequestId">The server-made <c>X-Request-Id</c>.</param>
/// <param name="Actor">Who: <c>key:{id}</c> or <c>scheduler</c>.</param>
/// <param name="Account">Whose eyes and hands these are; null for an operator, who may act on all accounts.</param>
/// <param name="ClientRequestId">
/// The caller's idempotency id, or null. The same command with the same id is done once, however often it is sent.
/// </param>
[GenerateSerializer, Immutable, Alias("scheduler.CommandContext")]
public sealed record CommandContext(
    [property: Id(0)] RequestId RequestId,
    [property: Id(1)] string Actor,
    [property: Id(2)] AccountId? Account,
    [property: Id(3)] string? ClientRequestId = null
);
