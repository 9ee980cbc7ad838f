using Scheduler.Domain.Failures;

namespace Scheduler.Domain.Placement;

/// <summary>The rule for the code of a placement without a match.</summary>
/// <remarks>
/// What a higher price or waiting cures is SMART_NO_MATCH. What no price cures, because the model fits none of the GPUs that
/// the other constraints leave, is GPU_INCOMPATIBLE. The maximum price is not an input, so it cannot change the code.
/// </remarks>
public static class NoMatchRule
{
    /// <param name="offers">Number of all offers.</param>
    /// <param name="fitting">Of all offers, those whose GPUs the model fits.</param>
    /// <param name="left">Offers that pass the caller's constraints except the maximum price; available now or not.</param>
    /// <param name="leftFitting">Of these, those whose GPUs the model fits.</param>
    public static FailureCode CodeOf(int offers, int fitting, int left, int leftFitting) =>
        leftFitting > 0 ? FailureCode.SmartNoMatch
        : left > 0 ? FailureCode.GpuIncompatible
        // The constraints leave no GPU at all. Loosening them helps only if the model fits some GPU on offer.
        : offers > 0 && fitting == 0 ? FailureCode.GpuIncompatible
        : FailureCode.SmartNoMatch;
}
