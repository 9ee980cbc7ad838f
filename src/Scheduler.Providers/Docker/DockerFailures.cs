using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;
using Scheduler.Domain.Runtimes.Exits;

namespace Scheduler.Providers.Docker;

/// <summary>Maps refusals of an engine and exits of containers to domain types. The engine's words are kept.</summary>
internal static class DockerFailures
{
    /// <summary>Signs of an engine without the means to give GPUs to containers.</summary>
    private static readonly string[] NoGpuSigns =
    [
        "could not select device driver",
        "unresolvable CDI devices",
        "nvidia-container-cli",
        "unknown or invalid runtime name: nvidia",
        "CDI device injection failed",
    ];

    internal const string NoGpuWords =
        "the engine cannot give GPUs to containers (is the NVIDIA container toolkit installed and configured?)";

    internal static AllocateOutcome UnusableKey(string key) =>
        Invalid($"the key '{OutputLines.Clean(key)}' is not 1 to 128 of A-Z, a-z, 0-9, '-', '_' and '.'");

    internal static AllocateOutcome CalledOff(string key) =>
        Invalid($"'{key}' was released; a key is never served again after its release");

    internal static AllocateOutcome UnknownPreset(string preset, IEnumerable<string> known) =>
        Invalid($"no runtime preset '{OutputLines.Clean(preset)}'; known here: {string.Join(", ", known)}");

    internal static AllocateOutcome Invalid(string words) =>
        AllocateOutcome.Rejected(RejectionKind.InvalidRequest, words);

    internal static AllocateOutcome NameTaken(string name) =>
        Invalid($"a container '{name}' exists on the host and is none of this scheduler's");

    internal static AllocateOutcome NoOffer(string offerId) =>
        AllocateOutcome.Rejected(
            RejectionKind.OutOfStock,
            $"'{OutputLines.Clean(offerId)}' is not an offer of this host now"
        );

    internal static AllocateOutcome Taken(string offerId) =>
        AllocateOutcome.Rejected(
            RejectionKind.OutOfStock,
            $"'{OutputLines.Clean(offerId)}': the GPUs of this host are in use now"
        );

    internal static AllocateOutcome StillPulling(string image, string progress) =>
        AllocateOutcome.Rejected(
            RejectionKind.OutOfStock,
            $"the host is pulling {OutputLines.Clean(image)} ({progress}); start again when it is there"
        );

    /// <summary>A pull that failed: nothing was created.</summary>
    internal static AllocateOutcome NotPulled(string image, string words)
    {
        var what = CauseOf(words) switch
        {
            ExitCause.ImageMissing => "not found",
            ExitCause.ImageRights => "no rights",
            ExitCause.ImageRateLimit => "rate limit",
            ExitCause.ImageArchitecture => "not for this architecture",
            ExitCause.ImageDisk => "disk full",
            ExitCause.ImageNetwork => "registry not reached",
            _ => "failed",
        };
        return AllocateOutcome.Rejected(
            RejectionKind.Image,
            $"pull of {OutputLines.Clean(image)}: {what}: {OutputLines.Clean(words)}"
        );
    }

    /// <summary>A create request that the engine refused.</summary>
    internal static AllocateOutcome NotCreated(DockerException refusal) =>
        AllocateOutcome.Rejected(
            refusal.Status is 400 or 404 ? RejectionKind.InvalidRequest : RejectionKind.ProviderError,
            $"the container could not be created: {OutputLines.Clean(refusal.Message)}"
        );

    /// <summary>A container that could not be started, and was removed.</summary>
    internal static AllocateOutcome NotStarted(string words) =>
        AllocateOutcome.Rejected(
            RejectionKind.ProviderError,
            NamesNoGpu(words)
                ? $"{NoGpuWords}: {OutputLines.Clean(words)}"
                : $"the container could not be started: {OutputLines.Clean(words)}"
        );

    internal static bool NamesNoGpu(string words) =>
        NoGpuSigns.Any(sign => words.Contains(sign, StringComparison.OrdinalIgnoreCase));

    internal static RuntimeExit ExitOf(ContainerState state, string output) =>
        new()
        {
            ExitCode = state.ExitCode,
            OutputTail = output,
            ProviderReason =
                state.OomKilled ? "OOMKilled: the kernel ended it for the memory limit of the container or of the host"
                : string.IsNullOrWhiteSpace(state.Error) ? null
                : OutputLines.Clean(state.Error),
        };

    /// <summary>The rules of exits know these words too, as the client prints them.</summary>
    private static ExitCause CauseOf(string words) =>
        ExitDiagnosis
            .Find(new RuntimeExit { OutputTail = $"Error response from daemon: {words}" }, wasServing: false)
            .Cause;
}
