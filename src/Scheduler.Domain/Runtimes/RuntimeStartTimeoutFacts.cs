using System.Globalization;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Placement;

namespace Scheduler.Domain.Runtimes;

/// <param name="OutputTail">Last output lines of the runtime; empty without output.</param>
public sealed record RuntimeStartTimeoutFacts(Offer Offer, TimeSpan Waited, string Model, string OutputTail = "")
    : FailureFacts(FailureCode.RuntimeStartTimeout)
{
    /// <summary>Where a start would go now; null when it is not known.</summary>
    public NextRoute? Next { get; init; }

    protected internal override FailureText Describe()
    {
        var seconds = (long)Math.Ceiling(Waited.TotalSeconds);
        var twice = checked(seconds * 2).ToString(CultureInfo.InvariantCulture);
        return new FailureText(
            $"The runtime on {Offer.Route} did not become healthy within {seconds} s while loading {Model}.",
            $"Start again with start_timeout {twice}s if the model is large or the image cold. {Offer.Route} ranks last for a while; {NextRoute.WordsOf(Next)}.",
            Details(
                    ("route", Offer.Route),
                    ("waited_seconds", seconds),
                    ("model", Model),
                    ("suggested_start_timeout_seconds", twice),
                    ("output_tail", OutputExcerpt.Of(OutputTail, RuntimeExit.MaxDetailChars))
                )
                .AddRange(NextRoute.DetailsOf(Next))
        );
    }
}
