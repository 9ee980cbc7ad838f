using System.ComponentModel.DataAnnotations;
using Scheduler.Domain.Runtimes;
using Scheduler.Domain.Settings;
using Scheduler.Providers.Process;

namespace Scheduler.Providers.Worker;

/// <summary>Settings under <c>Providers:Worker</c>: how the scheduler calls the hosts that joined.</summary>
internal sealed class WorkerOptions : ICheckedSettings
{
    internal const string Section = "Providers:Worker";

    private const string IdWords = "1 to 63 of a-z, 0-9 and '-'";

    /// <summary>Whether launches may be placed on hosts that joined.</summary>
    public bool Enabled { get; set; }

    [Required(ErrorMessage = IdWords)]
    [RegularExpression("[a-z0-9-]{1,63}", ErrorMessage = IdWords)]
    public string Id { get; set; } = "worker";

    /// <summary>
    /// Time without an answer after which a host counts as lost: what ran there is reported as preempted, and replaced where the instance
    /// permits. Before, it counts as running, because a host that is cut off keeps serving.
    /// </summary>
    [DurationRange("00:00:00.100", "7.00:00:00")]
    public TimeSpan LostAfter { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Longest wait for the answer to one call.</summary>
    [DurationRange("00:00:00.100", "00:05:00")]
    public TimeSpan CallTimeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>How often the state of all allocations is read, so that a change is noticed.</summary>
    [DurationRange("00:00:00.010", "00:10:00")]
    public TimeSpan WatchEvery { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Presets by name that hosts have beyond the built-in ones, so that launches may name them. Each host starts its own preset of the
    /// name: the scheduler tells a host no program.
    /// </summary>
    public IDictionary<string, ProcessPresetOptions> Presets { get; set; } =
        new Dictionary<string, ProcessPresetOptions>(StringComparer.Ordinal);

    internal IEnumerable<RuntimePreset> AllPresets =>
        RuntimePresets
            .BuiltIn.Values.Where(preset => !Presets.ContainsKey(preset.Name))
            .Concat(Presets.Select(preset => preset.Value.ToPreset(preset.Key)));

    public IEnumerable<SettingFault> Check(string section)
    {
        if (LostAfter < CallTimeout)
        {
            yield return new SettingFault(
                $"{section}:{nameof(LostAfter)}",
                LostAfter,
                $"at least {nameof(CallTimeout)}, {CallTimeout}"
            );
        }
    }
}
