using System.Collections.Immutable;

namespace Scheduler.Dashboard.Placement;

/// <summary>The fields of the launch form: names in the form and in the URL, and labels.</summary>
internal static class LaunchFields
{
    public const string Account = "account";
    public const string Name = "name";
    public const string Model = "model";
    public const string Weights = "weights";
    public const string Kv = "kv";
    public const string Context = "context";
    public const string Parallel = "parallel";
    public const string AtOnce = "at_once";
    public const string Runtime = "runtime";
    public const string Arguments = "arguments";
    public const string Image = "image";
    public const string Variables = "variables";
    public const string MaxPrice = "max_price";
    public const string Regions = "regions";
    public const string Tier = "tier";
    public const string Spot = "spot";
    public const string Encrypted = "encrypted";
    public const string Gpu = "gpu";
    public const string GpuCount = "gpus";
    public const string Providers = "providers";
    public const string GpuPreferences = "gpu_preferences";
    public const string ProviderPreferences = "provider_preferences";
    public const string Reroute = "reroute";
    public const string AllocationTimeout = "allocation_timeout";
    public const string StartTimeout = "start_timeout";
    public const string CapacityWait = "wait_for_capacity";
    public const string Start = "start";

    /// <summary>Not a field: marks a submitted form, in which a missing box means that it was not ticked.</summary>
    public const string Asked = "asked";

    /// <summary>Values of ticked and unticked boxes.</summary>
    public const string On = "on";
    public const string Off = "off";

    private const int LongestLine = 200;
    private const int LongestList = 600;
    private const int LongestArguments = 1500;

    private static readonly ImmutableArray<string> Lists = [Regions, Providers, GpuPreferences, ProviderPreferences];

    /// <summary>All fields, in the order of the form.</summary>
    public static ImmutableArray<(string Field, string Label)> All { get; } =
    [
        (Account, "Account"),
        (Name, "Serving name"),
        (Model, "Model"),
        (Context, "Context"),
        (Parallel, "Parallel sequences"),
        (AtOnce, "Sequences at once"),
        (Weights, "Weight format"),
        (Kv, "KV cache format"),
        (Runtime, "Runtime preset"),
        (MaxPrice, "Highest price"),
        (Tier, "Lowest capacity tier"),
        (Spot, "Spot capacity"),
        (Encrypted, "Encrypted path"),
        (Regions, "Regions"),
        (Providers, "Providers"),
        (Gpu, "GPU type"),
        (GpuCount, "Number of GPUs"),
        (GpuPreferences, "Preferred GPUs"),
        (ProviderPreferences, "Preferred providers"),
        (Reroute, "Automatic re-route"),
        (AllocationTimeout, "Longest wait for the provider"),
        (StartTimeout, "Longest wait for the runtime"),
        (CapacityWait, "Longest wait without capacity"),
        (Arguments, "Runtime arguments"),
        (Image, "Container image"),
        (Variables, "Variables"),
        (Start, "Start at once"),
    ];

    public static string LabelOf(string field) => All.FirstOrDefault(known => known.Field == field).Label ?? field;

    /// <summary>The field of a path in a launch spec, for example <c>spec.constraints.regions[0]</c>; null without a field.</summary>
    public static string? FieldOf(string path) =>
        path.Split('[')[0] switch
        {
            "spec.model" => Model,
            "spec.weight_format" => Weights,
            "spec.kv_format" => Kv,
            "spec.context_tokens" => Context,
            "spec.parallel_sequences" => Parallel,
            "spec.sequences_at_once" => AtOnce,
            "spec.runtime_arguments" => Arguments,
            "spec.constraints.gpu_count" => GpuCount,
            "spec.runtime" => Runtime,
            "spec.image" => Image,
            "spec.env" => Variables,
            "spec.constraints.gpu_type" => Gpu,
            "spec.constraints.regions" => Regions,
            "spec.constraints.providers" => Providers,
            "spec.constraints.gpu_preferences" => GpuPreferences,
            "spec.constraints.provider_preferences" => ProviderPreferences,
            _ => null,
        };

    public static bool IsBox(string field) => field is Spot or Encrypted or Reroute or Start;

    /// <summary>Largest number of characters of a field; all fields together must fit into a URL.</summary>
    public static int MostCharacters(string field) =>
        field is Arguments or Variables ? LongestArguments
        : Lists.Contains(field, StringComparer.Ordinal) ? LongestList
        : LongestLine;
}
