using Scheduler.Api.V1;

namespace Scheduler.Host.Demo;

/// <summary>One launch of the demo.</summary>
/// <param name="ServingName">Its serving name, which also identifies the launch over all starts.</param>
/// <param name="HasMoney">Whether it uses the account with a top-up.</param>
/// <param name="FailsWith">Code of the failure that it shows; null when it runs.</param>
internal sealed record DemoStory(
    string Title,
    string ServingName,
    LaunchSpec Spec,
    string? FailsWith = null,
    bool HasMoney = true
)
{
    /// <summary>
    /// All launches, the successful one first. In silo-config/demo.json, one region each of <c>sim-verda</c> and
    /// <c>sim-yotta</c> never answers, and a runtime at <c>sim-jarvislabs</c> needs a larger cache than estimated.
    /// </summary>
    public static IReadOnlyList<DemoStory> All { get; } =
    [
        new("A launch: cheapest GPU that fits, over 2,000 offers", "chat", Launch("Qwen/Qwen2.5-7B-Instruct", 8192)),
        new(
            "A provider that never answers, re-routed by the scheduler itself",
            "rerouted",
            Prefer(Launch("Qwen/Qwen2.5-7B-Instruct", 8192, reroute: true), "sim-verda")
        ),
        new(
            "The same without auto_reroute",
            "timeout",
            Prefer(Launch("Qwen/Qwen2.5-7B-Instruct", 8192), "sim-yotta"),
            "PROVIDER_TIMEOUT"
        ),
        new(
            "A runtime that runs out of memory",
            "oom",
            Prefer(Launch("Qwen/Qwen2.5-7B-Instruct", 16384), "sim-jarvislabs"),
            "OOM_KILLED"
        ),
        new(
            "A model that cannot fit the GPU asked for",
            "too-big",
            OnGpu(Launch("meta-llama/Llama-3.3-70B-Instruct", 8192), "L4", 1),
            "GPU_INCOMPATIBLE"
        ),
        new(
            "Constraints that no offer meets",
            "no-match",
            Cheap(Launch("Qwen/Qwen2.5-7B-Instruct", 8192), 50_000),
            "SMART_NO_MATCH"
        ),
        new(
            "An account without money",
            "no-money",
            Launch("Qwen/Qwen2.5-0.5B", 4096),
            "BILLING_BELOW_MINIMUM",
            HasMoney: false
        ),
    ];

    /// <summary>What became of the launches, one line for the end of the demo.</summary>
    /// <param name="onPurpose">Number of launches that failed as their story says.</param>
    /// <param name="otherwise">Number of launches that failed in another way, for example after a change by hand.</param>
    public static string Sum(int onPurpose, int otherwise)
    {
        const string cause = "the dashboard shows the cause";
        string?[] parts =
        [
            onPurpose > 0
                ? $"{onPurpose} of the seven launches failed on purpose: {cause}, and each has a button that repairs it."
                : null,
            otherwise > 0
                ? $"{otherwise} of the seven launches failed in a way that the demo does not intend: {cause}."
                : null,
        ];
        return onPurpose + otherwise == 0
            ? "None of the launches is failed now: --fresh shows the failures again."
            : string.Join(' ', parts.OfType<string>());
    }

    /// <summary>Whether it is failed as its story says.</summary>
    public bool FailedOnPurpose(Instance instance) =>
        instance.State == InstanceState.Failed && FailsWith is not null && instance.Failure?.Code == FailsWith;

    /// <summary>Whether a state lasts until someone changes it.</summary>
    public static bool IsOver(InstanceState state) =>
        state is InstanceState.Running or InstanceState.Failed or InstanceState.Stopped or InstanceState.Deleted;

    private static LaunchSpec Launch(string model, long contextTokens, bool reroute = false) =>
        new()
        {
            Model = model,
            ContextTokens = contextTokens,
            AutoReroute = reroute,
            Constraints = new SmartConstraints(),
        };

    private static LaunchSpec Prefer(LaunchSpec spec, params string[] providers)
    {
        spec.Constraints.Providers.AddRange(providers);
        return spec;
    }

    private static LaunchSpec OnGpu(LaunchSpec spec, string gpuType, int gpuCount)
    {
        (spec.Constraints.GpuType, spec.Constraints.GpuCount) = (gpuType, gpuCount);
        return spec;
    }

    private static LaunchSpec Cheap(LaunchSpec spec, long maxPricePerHourMicroEur)
    {
        spec.Constraints.MaxPricePerHourMicroEur = maxPricePerHourMicroEur;
        return spec;
    }
}
