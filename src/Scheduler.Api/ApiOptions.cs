using System.ComponentModel.DataAnnotations;
using System.Reflection;

namespace Scheduler.Api;

/// <summary>Limits of the front door; configuration section <c>Api</c>.</summary>
public sealed class ApiOptions
{
    /// <summary>Where the settings lie.</summary>
    public const string Section = "Api";

    /// <summary>Longest body of a request, bytes; 1 KiB to 16 MiB.</summary>
    [Range(1024, 16 * 1024 * 1024)]
    public int MaxBodyBytes { get; set; } = 1024 * 1024;

    /// <summary>
    /// Longest body of a model registration, bytes; 1 MiB to 64 MiB. A GGUF header of 16 MiB is a third longer as base64 in JSON.
    /// </summary>
    [Range(1024 * 1024, 64 * 1024 * 1024)]
    public int MaxModelBodyBytes { get; set; } = 24 * 1024 * 1024;

    /// <summary>Watch streams one key may have open at one silo, 1 to 10,000.</summary>
    [Range(1, 10_000)]
    public int MaxWatchStreamsPerKey { get; set; } = 32;

    /// <summary>Every fault, with the setting's full path, the value seen and what is accepted.</summary>
    public IEnumerable<string> Faults() =>
        from property in typeof(ApiOptions).GetProperties()
        let range = property.GetCustomAttribute<RangeAttribute>()
        let value = property.GetValue(this)
        where range is not null && !range.IsValid(value)
        select $"{Section}:{property.Name} is '{value}'; accepted: {range.Minimum} to {range.Maximum}";
}
