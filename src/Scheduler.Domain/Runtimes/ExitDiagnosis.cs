using Scheduler.Domain.Failures;

namespace Scheduler.Domain.Runtimes;

/// <summary>Tells from how a runtime ended what went wrong: out of memory, image, model, or plain exit.</summary>
public static class ExitDiagnosis
{
    /// <summary>The failure a runtime's end amounts to.</summary>
    /// <param name="exit">How it ended.</param>
    /// <param name="wasServing">Whether it had become healthy before.</param>
    /// <returns>
    /// <see cref="FailureCode.OomKilled"/>, <see cref="FailureCode.ImagePullFailed"/>, <see cref="FailureCode.ModelLoadError"/> or
    /// <see cref="FailureCode.RuntimeExited"/>.
    /// </returns>
    public static FailureCode Diagnose(RuntimeExit exit, bool wasServing)
    {
        ArgumentNullException.ThrowIfNull(exit);
        return wasServing || exit.ExitCode == 137 ? FailureCode.OomKilled : FailureCode.RuntimeExited;
    }
}
