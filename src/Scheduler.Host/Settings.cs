using Microsoft.Extensions.Options;
using Scheduler.Api;
using Scheduler.Grains;
using Scheduler.Providers;
using Scheduler.Storage;

namespace Scheduler.Host;

/// <summary>Reads the settings and finds all that is wrong with them before anything starts.</summary>
internal sealed class Settings
{
    private Settings(HostOptions host, StorageOptions storage)
    {
        Host = host;
        Storage = storage;
    }

    /// <summary>The process itself.</summary>
    public HostOptions Host { get; }

    /// <summary>The memory.</summary>
    public StorageOptions Storage { get; }

    /// <summary>Puts the sources together: shipped defaults, the demo's, a file, the environment, the command line.</summary>
    public static void AddSources(ConfigurationManager configuration, CommandLine line)
    {
        configuration.Sources.Clear();
        configuration.AddJsonFile(Shipped("embedded.json"), optional: false, reloadOnChange: false);
        if (line.IsDemo)
        {
            configuration.AddJsonFile(Shipped("demo.json"), optional: false, reloadOnChange: false);
        }

        if (line.ConfigFile is { } file)
        {
            configuration.AddJsonFile(Path.GetFullPath(file), optional: false, reloadOnChange: false);
        }

        configuration.AddEnvironmentVariables();
        configuration.AddCommandLine([.. line.Settings]);
    }

    /// <summary>Reads what the process itself needs.</summary>
    /// <exception cref="OptionsValidationException">A setting is wrong or unknown; every fault is named.</exception>
    public static Settings Read(IConfiguration configuration)
    {
        var faults = new List<string>();
        var host = Bind<HostOptions>(configuration, HostOptions.Section, faults);
        var storage = Bind<StorageOptions>(configuration, StorageOptions.Section, faults);
        var scheduler = Bind<SchedulerOptions>(configuration, SchedulerOptions.Section, faults);
        faults.AddRange(host.Faults());
        faults.AddRange(storage.Faults());
        faults.AddRange(scheduler.Faults());
        if (faults.Count > 0)
        {
            throw new OptionsValidationException("settings", typeof(Settings), faults);
        }

        return new Settings(host, storage);
    }

    private static T Bind<T>(IConfiguration configuration, string section, List<string> faults)
        where T : new()
    {
        var found = configuration.GetSection(section);
        faults.AddRange(SettingFault.Unknown(found, typeof(T)).Select(fault => fault.ToString()));
        var options = new T();
        try
        {
            found.Bind(options);
        }
        catch (InvalidOperationException exception)
        {
            // The binder names the full path and the type; the value is beside it.
            faults.Add($"{exception.Message} {exception.InnerException?.Message}");
        }

        return options;
    }

    private static string Shipped(string file) => Path.Combine(AppContext.BaseDirectory, "silo-config", file);
}
