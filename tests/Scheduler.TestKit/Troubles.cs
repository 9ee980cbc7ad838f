using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Scheduler.Api.V1;

namespace Scheduler.TestKit;

/// <summary>One launch for each code that a launch can fail with.</summary>
public static class Troubles
{
    /// <summary>Fits every GPU.</summary>
    public const string Small = "Qwen/Qwen2.5-0.5B";

    /// <summary>Fits most GPUs.</summary>
    public const string Middle = "Qwen/Qwen2.5-7B-Instruct";

    /// <summary>Fits few GPUs, all of them expensive.</summary>
    public const string Large = "meta-llama/Llama-3.3-70B-Instruct";

    /// <summary>The launches by code; on a <see cref="TroubledMarket"/> they fail as expected.</summary>
    public static IReadOnlyDictionary<string, Trouble> All { get; } =
        new Trouble[]
        {
            new(
                "BILLING_BELOW_MINIMUM",
                On(Small, "sim-lambda"),
                @"^Top up at least \d+\.\d+ EUR and start again",
                (StatusCode.FailedPrecondition, 402),
                MicroEuros: 0
            ),
            new(
                "GPU_INCOMPATIBLE",
                OnGpu(On(Large, "sim-lambda"), "A10", 1),
                @"[Ss]et gpu_type to \S+ and gpu_count to \d+ \(leaves what the request names\), on offer from \d+\.\d+ EUR/h",
                (StatusCode.FailedPrecondition, 422)
            ),
            new(
                "SMART_NO_MATCH",
                AtMost(On(Middle, "sim-lambda"), 100_000),
                @"max price 0\.10 → \d+\.\d+ EUR/h: \d+ offers?",
                (StatusCode.FailedPrecondition, 422)
            ),
            new(
                "PROVIDER_TIMEOUT",
                Within(OnGpu(On(Small, "sim-verda"), "B200-SXM", 1), seconds: 1),
                @"^Stop the instance and start it again: sim-verda/FIN-03/B200-SXM ranks last until \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ"
            ),
            new(
                "PROVIDER_REJECTED",
                OnGpu(On(Small, "sim-hyperstack"), "A100-80GB-PCIe", 1),
                "sim-hyperstack/CANADA-1/A100-80GB-PCIe"
            ),
            new(
                "IMAGE_PULL_FAILED",
                OnGpu(On(Small, "sim-lium"), "RTX4090", 1),
                "^The registry has no such image or tag"
            ),
            new(
                "MODEL_LOAD_ERROR",
                OnGpu(On(Small, "sim-lium"), "RTX3090", 1),
                $"no implementation of {Small}'s architecture"
            ),
            new(
                "RUNTIME_START_TIMEOUT",
                Booting(OnGpu(On(Small, "sim-paperspace"), "RTX-A4000", 1), seconds: 1),
                @"start_timeout \d+s"
            ),
            new("RUNTIME_EXITED", OnGpu(On(Small, "sim-lium"), "RTX5090", 1), "output_tail"),
            new(
                "OOM_KILLED",
                OnGpu(On(Middle, "sim-jarvislabs"), "L4", 1),
                @"set context_tokens to \d+ \(it was 8192\), or set gpu_type to \S+ and gpu_count to \d+, on offer from \d+\.\d+ EUR/h"
            ),
            new("PREEMPTED", OnGpu(On(Small, "sim-nebius"), "H200-141GB-SXM", 1), "set spot_allowed to false"),
        }.ToDictionary(trouble => trouble.Code);

    /// <summary>A launch that chooses the cheapest offer of some providers.</summary>
    public static LaunchSpec On(string model, params string[] providers)
    {
        var spec = new LaunchSpec
        {
            Model = model,
            ContextTokens = 8192,
            Constraints = new SmartConstraints(),
        };
        spec.Constraints.Providers.AddRange(providers);
        return spec;
    }

    /// <summary>The same launch, on these GPUs.</summary>
    public static LaunchSpec OnGpu(LaunchSpec spec, string gpuType, int gpuCount)
    {
        ArgumentNullException.ThrowIfNull(spec);
        (spec.Constraints.GpuType, spec.Constraints.GpuCount) = (gpuType, gpuCount);
        return spec;
    }

    /// <summary>The same launch, with a maximum price.</summary>
    public static LaunchSpec AtMost(LaunchSpec spec, long microEurosPerHour)
    {
        ArgumentNullException.ThrowIfNull(spec);
        spec.Constraints.MaxPricePerHourMicroEur = microEurosPerHour;
        return spec;
    }

    /// <summary>The same launch, with a maximum wait for capacity.</summary>
    public static LaunchSpec Within(LaunchSpec spec, int seconds)
    {
        ArgumentNullException.ThrowIfNull(spec);
        spec.AllocationTimeout = Duration.FromTimeSpan(TimeSpan.FromSeconds(seconds));
        return spec;
    }

    private static LaunchSpec Booting(LaunchSpec spec, int seconds)
    {
        spec.StartTimeout = Duration.FromTimeSpan(TimeSpan.FromSeconds(seconds));
        return spec;
    }
}
