using System.Globalization;
using Scheduler.Domain.Failures;

namespace Scheduler.Domain.Runtimes;

/// <summary>A running instance's runtime failed to answer a request correctly; the instance keeps running.</summary>
/// <param name="What">Phrase that follows <c>The runtime of 'name'</c>: could not be reached, broke off, …</param>
/// <param name="Status">HTTP status of the runtime's answer; null without an answer.</param>
/// <param name="Words">Error message of the runtime, cleaned and truncated; null without one.</param>
public sealed record RuntimeErrorFacts(string ServingName, string What, int? Status = null, string? Words = null)
    : FailureFacts(FailureCode.RuntimeError)
{
    protected internal override FailureText Describe() =>
        new(
            $"The runtime of '{ServingName}' {What}.",
            Status is null
                ? "Try again; if it continues, check the instance: its state shows whether its runtime still answers."
                : $"Its message is in the details; if the request is valid, try again or check the instance '{ServingName}'.",
            Details(
                ("serving_name", ServingName),
                ("upstream_status", Status?.ToString(CultureInfo.InvariantCulture)),
                ("upstream_message", Words)
            )
        );
}
