using System.Globalization;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;

namespace Scheduler.Providers.Process;

/// <summary>Maps rejections of this host and exits of children to domain types.</summary>
internal static class ProcessFailures
{
    /// <summary>128 + SIGKILL.</summary>
    private const int ExitCodeOfSigkill = 137;

    internal static AllocateOutcome UnusableKey(string key) =>
        Invalid($"the key '{OutputLines.Clean(key)}' is not 1 to 128 of A-Z, a-z, 0-9, '-', '_' and '.'");

    internal static AllocateOutcome CalledOff(string key) =>
        Invalid($"'{key}' was released; a key is never served again after its release");

    internal static AllocateOutcome UnknownPreset(string preset, IEnumerable<string> known) =>
        Invalid($"no runtime preset '{OutputLines.Clean(preset)}'; known here: {string.Join(", ", known)}");

    internal static AllocateOutcome NoProgram(string program) =>
        Invalid($"the program '{program}' is not on this host");

    internal static AllocateOutcome BadRuntime(string words) => Invalid(words);

    internal static AllocateOutcome OutOfStock(string offerId) =>
        AllocateOutcome.Rejected(
            RejectionKind.OutOfStock,
            $"'{OutputLines.Clean(offerId)}' is not available on this host now"
        );

    internal static AllocateOutcome NoPort(int first, int last) =>
        AllocateOutcome.Rejected(
            RejectionKind.OutOfStock,
            string.Create(CultureInfo.InvariantCulture, $"no free port from {first} to {last} on this host")
        );

    internal static AllocateOutcome NotStarted(string words) =>
        AllocateOutcome.Rejected(
            RejectionKind.ProviderError,
            "the runtime could not be started: " + OutputLines.Clean(words)
        );

    /// <param name="exitFile">
    /// Exit code and the kernel's counts of out-of-memory kills before and after, if available; null if the launcher
    /// was killed before it could write the file.
    /// </param>
    internal static RuntimeExit ExitOf(string? exitFile, string outputTail)
    {
        var words = (exitFile ?? "").Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
        int? code =
            words.Length > 0 && int.TryParse(words[0], CultureInfo.InvariantCulture, out var number) ? number : null;
        var isCounted = words.Length == 3;
        return new RuntimeExit
        {
            ExitCode = code,
            OutputTail = outputTail,
            ProviderReason =
                code != ExitCodeOfSigkill || !isCounted ? null
                : string.Equals(words[1], words[2], StringComparison.Ordinal)
                    ? RuntimeExit.KilledFromOutside + ": the kernel counted no out-of-memory kill while it ran"
                : "OOMKilled: the kernel counted an out-of-memory kill while it ran",
        };
    }

    private static AllocateOutcome Invalid(string words) =>
        AllocateOutcome.Rejected(RejectionKind.InvalidRequest, words);
}
