using Grpc.Core;
using Scheduler.Api.V1;

namespace Scheduler.TestKit;

/// <summary>How a failure is provoked on its real path, and its expected contents.</summary>
/// <param name="Code">The expected code.</param>
/// <param name="Spec">The launch that provokes it.</param>
/// <param name="Hint">Pattern of the hint: the instruction with its numbers.</param>
/// <param name="Status">
/// Status of a start that is refused at once; null if the start is accepted and fails later.
/// </param>
/// <param name="MicroEuros">Top-up of the account.</param>
public sealed record Trouble(
    string Code,
    LaunchSpec Spec,
    string Hint,
    (StatusCode Grpc, int Http)? Status = null,
    long MicroEuros = 1_000_000_000
);
