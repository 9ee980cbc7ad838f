using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Scheduler.Providers.Process;
using Scheduler.Providers.Simulated;

namespace Scheduler.Providers;

/// <summary>Registers each adapter that is enabled under <c>Providers</c> as a singleton <c>IProvider</c>.</summary>
public static class ProvidersSetup
{
    private const string Section = "Providers";

    /// <summary>All adapters by section name. Any other section name is a misspelling and stops the start.</summary>
    private static readonly Dictionary<string, Type> Adapters = new(StringComparer.OrdinalIgnoreCase)
    {
        ["Simulated"] = typeof(SimulatedOptions),
        ["Process"] = typeof(ProcessOptions),
    };

    /// <summary>
    /// Registers the enabled adapters. Invalid and unknown settings stop the start of the host. Each error names the
    /// full path, the configured value and the accepted values.
    /// </summary>
    /// <param name="configuration">Root of the host's configuration.</param>
    public static IServiceCollection AddProviders(
        this IServiceCollection services,
        IConfiguration configuration,
        GpuNameResolver resolver
    )
    {
        services.TryAddSingleton(resolver);
        services.AddOptions<ProvidersOptions>().ValidateOnStart();
        services.AddSingleton<IValidateOptions<ProvidersOptions>>(new UnreadableSettingsValidation(configuration));
        return services.AddSimulatedProvider(configuration).AddProcessProvider(configuration);
    }

    /// <summary>All validation errors, for a host that checks its configuration before it builds services.</summary>
    /// <param name="configuration">Root of the host's configuration.</param>
    public static IReadOnlyList<string> Faults(IConfiguration configuration)
    {
        var unreadable = configuration.GetSection(Section).GetChildren().SelectMany(UnreadableIn).ToList();
        return unreadable.Count > 0
            ? [.. unreadable.Select(fault => fault.ToString())]
            :
            [
                .. Check(configuration, SimulatedOptions.Section, new SimulatedOptionsValidation()),
                .. Check(configuration, ProcessOptions.Section, new ProcessOptionsValidation()),
            ];
    }

    private static IEnumerable<string> Check<T>(IConfiguration configuration, string section, IValidateOptions<T> check)
        where T : class, new() =>
        check.Validate(null, configuration.GetSection(section).Get<T>() ?? new T()).Failures ?? [];

    private static IEnumerable<SettingFault> UnreadableIn(IConfigurationSection adapter) =>
        Adapters.TryGetValue(adapter.Key, out var options)
            ? SettingFault.Unreadable(adapter, options)
            :
            [
                new SettingFault(
                    adapter.Path,
                    adapter.Value ?? "a section",
                    "no such provider; known here: " + string.Join(", ", Adapters.Keys)
                ),
            ];

    /// <summary>Carries the validation of the whole section; each adapter has separate options.</summary>
    private sealed class ProvidersOptions;

    private sealed class UnreadableSettingsValidation(IConfiguration configuration) : IValidateOptions<ProvidersOptions>
    {
        public ValidateOptionsResult Validate(string? name, ProvidersOptions options) =>
            SettingFault.Result([.. configuration.GetSection(Section).GetChildren().SelectMany(UnreadableIn)]);
    }
}
