using System.Globalization;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Placement;

namespace Scheduler.Domain.Runtimes;

/// <summary>The runtime was not healthy before the start deadline.</summary>
/// <param name="Offer">Where it was booting.</param>
/// <param name="Waited">How long.</param>
/// <param name="Model">What it was loading.</param>
/// <param name="OutputTail">The last lines it had printed; empty where there are none.</param>
public sealed record RuntimeStartTimeoutFacts(Offer Offer, TimeSpan Waited, string Model, string OutputTail = "")
    : FailureFacts(FailureCode.RuntimeStartTimeout)
{
    /// <inheritdoc/>
    protected internal override FailureText Describe()
    {
        var seconds = (long)Math.Ceiling(Waited.TotalSeconds);
        var twice = checked(seconds * 2).ToString(CultureInfo.InvariantCulture);
        return new FailureText(
            $"The runtime on {Offer.Route} did not become healthy within {seconds} s while loading {Model}.",
            $"Start again with start_timeout {twice}s if the model is large or the image cold, or start on another route.",
            Details(
                ("route", Offer.Route),
                ("waited_seconds", seconds),
                ("model", Model),
                ("suggested_start_timeout_seconds", twice),
                ("output_tail", OutputTail)
            )
        );
    }
}
