using Grpc.Core;
using Scheduler.Api.V1;

namespace Scheduler.TestKit;

/// <summary>How a failure is provoked on its real path, and what it must say.</summary>
/// <param name="Code">The code that must come.</param>
/// <param name="Spec">The launch that provokes it.</param>
/// <param name="Hint">What the hint must match: the instruction with its numbers.</param>
/// <param name="Status">The status of a start that is refused at once; null where the start is accepted and fails later.</param>
/// <param name="MicroEuros">What the account is topped up with.</param>
public sealed record Trouble(
    string Code,
    LaunchSpec Spec,
    string Hint,
    (StatusCode Grpc, int Http)? Status = null,
    long MicroEuros = 1_000_000_000
);
