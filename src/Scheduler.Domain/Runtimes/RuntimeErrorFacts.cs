using System.Globalization;
using Scheduler.Domain.Failures;

namespace Scheduler.Domain.Runtimes;

/// <summary>A running instance's runtime did not answer a request as it should; the instance runs on.</summary>
/// <param name="ServingName">The instance.</param>
/// <param name="What">One phrase that follows <c>The runtime of 'name'</c>: could not be reached, broke off, …</param>
/// <param name="Status">HTTP status it answered with; null where it did not.</param>
/// <param name="Words">Its own words, cleaned and cut; null where it said nothing.</param>
public sealed record RuntimeErrorFacts(string ServingName, string What, int? Status = null, string? Words = null)
    : FailureFacts(FailureCode.RuntimeError)
{
    /// <inheritdoc/>
    protected internal override FailureText Describe() =>
        new(
            $"The runtime of '{ServingName}' {What}.",
            Status is null
                ? "Try again; if it goes on, look at the instance: its state says whether its runtime still answers."
                : $"Its words are in the details; if the request is sound, try again or look at the instance '{ServingName}'.",
            Details(
                ("serving_name", ServingName),
                ("upstream_status", Status?.ToString(CultureInfo.InvariantCulture)),
                ("upstream_message", Words)
            )
        );
}
