using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;

namespace Scheduler.Providers.Simulated;

/// <summary>Rejections and runtime exits of the simulated cloud, with the messages that real ones use.</summary>
internal static class SimulatedFailures
{
    internal static AllocateOutcome OutOfStock(string offerId) =>
        AllocateOutcome.Rejected(
            RejectionKind.OutOfStock,
            $"simulated: offer '{offerId}' has no capacity left right now"
        );

    internal static AllocateOutcome QuotaExceeded(string provider) =>
        AllocateOutcome.Rejected(RejectionKind.Quota, $"simulated: the quota of this account at {provider} is used up");

    internal static AllocateOutcome UnknownOffer(string offerId) =>
        AllocateOutcome.Rejected(
            RejectionKind.InvalidRequest,
            $"simulated: there is no offer '{OutputLines.Clean(offerId)}'"
        );

    internal static AllocateOutcome CalledOff(string key) =>
        AllocateOutcome.Rejected(
            RejectionKind.InvalidRequest,
            $"simulated: the request '{OutputLines.Clean(key)}' was cancelled; a key is never served again after its release"
        );

    /// <param name="wasServing">Whether it had been healthy: then a request used up the memory.</param>
    /// <returns>Null if the runtime did not exit by itself.</returns>
    internal static RuntimeExit? ExitOf(SimulatedEnd end, bool wasServing) =>
        end switch
        {
            SimulatedEnd.OutOfMemory when wasServing => new RuntimeExit
            {
                ExitCode = 137,
                ProviderReason = "OOMKilled",
                OutputTail =
                    "simulated: torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB while serving.\n",
            },
            SimulatedEnd.OutOfMemory => new RuntimeExit
            {
                ExitCode = 1,
                OutputTail =
                    "simulated: loading weights\n"
                    + "ggml_backend_cuda_buffer_type_alloc_buffer: cudaMalloc failed: out of memory\n"
                    + "llama_model_load: error loading model: unable to allocate CUDA0 buffer\n",
            },
            SimulatedEnd.Exit => new RuntimeExit
            {
                ExitCode = 1,
                OutputTail = "simulated: RuntimeError: the engine core died unexpectedly\n",
            },
            SimulatedEnd.ModelLoad => new RuntimeExit
            {
                ExitCode = 1,
                OutputTail =
                    "simulated: llama_model_load: error loading model: unknown model architecture: 'simulated'\n",
            },
            SimulatedEnd.ImagePull => new RuntimeExit
            {
                ProviderReason = "ImagePullBackOff",
                OutputTail = "simulated: failed to pull image: manifest unknown\n",
            },
            _ => null,
        };
}
