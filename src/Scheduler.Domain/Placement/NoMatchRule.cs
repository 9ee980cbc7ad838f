using Scheduler.Domain.Failures;

namespace Scheduler.Domain.Placement;

/// <summary>The rule for the code of a placement without a match.</summary>
/// <remarks>
/// If a higher price or waiting helps, the code is SMART_NO_MATCH. If no price helps, because the model fits none of the GPUs that the other
/// constraints leave, it is GPU_INCOMPATIBLE. The maximum price is not an input, so it cannot change the code.
/// </remarks>
public static class NoMatchRule
{
    /// <param name="anyOffer">Whether there is any offer.</param>
    /// <param name="anyFits">Whether the model fits the GPUs of any offer.</param>
    /// <param name="anyLeft">
    /// Whether any offer passes the caller's constraints except the maximum price, available now or not.
    /// </param>
    /// <param name="anyLeftFits">Whether the model fits the GPUs of any of these.</param>
    public static FailureCode CodeOf(bool anyOffer, bool anyFits, bool anyLeft, bool anyLeftFits) =>
        anyLeftFits ? FailureCode.SmartNoMatch
        : anyLeft ? FailureCode.GpuIncompatible
        // The constraints leave no GPU at all. Loosening them helps only if the model fits some GPU on offer.
        : anyOffer && !anyFits ? FailureCode.GpuIncompatible
        : FailureCode.SmartNoMatch;
}
