using System.Collections.Frozen;
using Scheduler.Domain.Runtimes.Engines;

namespace Scheduler.Domain.Runtimes.Exits;

/// <summary>What repairs a cause, with the options of the engine that ran.</summary>
internal static class ExitHints
{
    private static readonly FrozenDictionary<ExitCause, Func<string, EngineOptions, string?>> Hints = new Dictionary<
        ExitCause,
        Func<string, EngineOptions, string?>
    >
    {
        [ExitCause.GpuMemory] = (_, options) => options.Activations,
        [ExitCause.GpuCache] = (_, options) => options.Cache,
        [ExitCause.GpuMemoryOccupied] = (_, options) =>
            $"Other processes hold memory of the GPU: end them, or {options.Share}; then start again.",
        [ExitCause.HostMemory] = (_, options) =>
            "The host's main memory ran out, not the GPU's. Start again on an offer with more main memory"
            + $" or a higher container limit{options.Host}.",
        [ExitCause.ImageRights] = (_, _) =>
            "The registry refused access. Correct the registry credentials or the rights of the image, then start again.",
        [ExitCause.ImageRateLimit] = (_, _) =>
            "The registry's rate limit is reached. Add registry credentials, use a mirror, or start again in an hour.",
        [ExitCause.ImageMissing] = (_, _) =>
            "The registry has no such image or tag. Correct the image of the runtime preset, then start again.",
        [ExitCause.ImageArchitecture] = (_, _) =>
            "The image has no build for the host's processor. Name a multi-platform image in the preset, or start on another GPU type.",
        [ExitCause.ImageDisk] = (_, _) =>
            "The host's disk is full. Remove old images there or choose a host with a larger disk, then start again.",
        [ExitCause.ImageNetwork] = (_, _) =>
            "The host did not reach the registry. Check its network and name resolution, or start again on another route.",
        [ExitCause.ImageOther] = (_, _) =>
            "Correct the image of the runtime preset or its registry credentials, then start again.",
        [ExitCause.ModelMissing] = (model, _) =>
            $"Correct the source of {model}: the hub or the path has no such model. Then start again.",
        [ExitCause.ModelGated] = (model, _) =>
            $"Accept the terms of {model} at its hub and give the runtime a token with access (HF_TOKEN), then start again.",
        [ExitCause.ModelRateLimit] = (_, _) =>
            "The hub's rate limit is reached. Give the runtime a token (HF_TOKEN), or start again later.",
        [ExitCause.ModelNetwork] = (_, _) =>
            "The host did not reach the hub. Check its network, or store the model on the host; then start again.",
        [ExitCause.ModelDisk] = (model, _) =>
            $"The host's disk is too small for {model}. Choose a host with a larger disk, then start again.",
        [ExitCause.ModelFileMissing] = (model, _) =>
            $"A file of {model} is missing. Upload all parts that its index names, or correct the source; then start again.",
        [ExitCause.ModelDamaged] = (model, _) =>
            $"A file of {model} is damaged or of another version. Download it again, then start again.",
        [ExitCause.ModelArchitecture] = (model, _) =>
            $"This version of the engine has no implementation of {model}'s architecture. Use a newer image or another runtime, then start again.",
        [ExitCause.ModelQuantization] = (model, options) =>
            $"The engine cannot load {model}'s quantization. Use a newer image, or a checkpoint in another format{options.Quantization}; then start again.",
        [ExitCause.ModelSplit] = (model, _) =>
            $"The number of GPUs does not divide {model}'s matrices. Use a smaller gpu_count, a power of two; then start again.",
        [ExitCause.ModelCode] = (model, options) =>
            $"{model} runs its own code. If the operator trusts it and permits {options.RemoteCode} (Runtimes:AllowedOptions), "
            + "add it to runtime_arguments; then start again.",
        [ExitCause.ModelGpuTooOld] = (_, _) =>
            "The GPU is too old for the model's number format. Choose a newer GPU type or another weight_format, then start again.",
        [ExitCause.ModelOther] = (model, _) =>
            $"Correct what the output names about {model} (source, format, access), then start again.",
        [ExitCause.Context] = (_, options) =>
            $"Set context_tokens to at most the model's maximum ({options.Context}); then start again.",
        [ExitCause.GpuAccess] = (_, _) =>
            "The GPU or its driver is not usable on this host. Start again on another route, or repair driver and container toolkit.",
        [ExitCause.SharedMemory] = (_, _) =>
            "Raise the container's shared memory (--shm-size or --ipc=host in Docker), then start again.",
        [ExitCause.Program] = (_, _) =>
            "The image is built for another processor. Name an image of the host's architecture in the preset, then start again.",
        [ExitCause.Arguments] = (_, _) =>
            "The engine does not know an argument. Correct runtime_arguments or the preset's arguments, then start again.",
    }.ToFrozenDictionary();

    /// <param name="preset">Name of the runtime preset that ran.</param>
    /// <returns>One or two sentences; null when only the output can tell.</returns>
    public static string? Of(ExitCause cause, string model, string preset) =>
        Hints.GetValueOrDefault(cause)?.Invoke(model, KnownEngines.HintsOf(preset));
}
