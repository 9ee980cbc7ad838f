using Microsoft.Extensions.Configuration.EnvironmentVariables;
using Microsoft.Extensions.Options;
using Scheduler.Api;
using Scheduler.Dashboard;
using Scheduler.Domain.Runtimes;
using Scheduler.Domain.Settings;
using Scheduler.Edge.Limits;
using Scheduler.Edge.Requests;
using Scheduler.Grains;
using Scheduler.Inference;
using Scheduler.Providers;
using Scheduler.Providers.Hub;
using Scheduler.Providers.WorkerAgent;
using Scheduler.Storage;
using Scheduler.Storage.Secrets;

namespace Scheduler.Host;

/// <summary>Reads and validates all settings before anything starts.</summary>
internal sealed class Settings
{
    private static readonly string[] Sections =
    [
        HostOptions.Section,
        SchedulerOptions.Section,
        StorageOptions.Section,
        SecretsOptions.Section,
        ProvidersSetup.Section,
        WorkerAgentOptions.Section,
        HubOptions.Section,
        RuntimeOptions.Section,
        ApiOptions.Section,
        InferenceOptions.Section,
        DashboardOptions.Section,
        RequestLogOptions.Section,
        MemoryOptions.Section,
        ConnectionOptions.Section,
    ];

    private Settings(
        HostOptions host,
        StorageOptions storage,
        SecretsOptions secrets,
        SchedulerOptions scheduler,
        DashboardOptions dashboard,
        string? simulatedState
    )
    {
        Secrets = secrets;
        SimulatedState = simulatedState;
        Host = host;
        Storage = storage;
        Scheduler = scheduler;
        HasDashboard = dashboard.Enabled;
        HasOrleansDashboard = dashboard is { Enabled: true, Orleans: true };
    }

    public HostOptions Host { get; }

    public StorageOptions Storage { get; }

    public SecretsOptions Secrets { get; }

    public SchedulerOptions Scheduler { get; }

    /// <summary>Journal file of the simulated cloud; null without one.</summary>
    public string? SimulatedState { get; }

    public bool HasDashboard { get; }

    /// <summary>Whether the dashboard links to Orleans' dashboard. Silos need their part of it in every role.</summary>
    public bool HasOrleansDashboard { get; }

    /// <summary>Folder for files of this process: the folder of the SQLite file, even if SQLite is not used.</summary>
    public string OwnFolder => Path.GetDirectoryName(Path.GetFullPath(Storage.Sqlite.Path))!;

    /// <summary>
    /// Whether processes that share a database form one scheduler: true if a PostgreSQL connection is set.
    /// </summary>
    public bool IsCluster => Storage.PostgreSql.IsSet;

    /// <summary>
    /// Adds the sources in rising precedence: shipped defaults, demo settings, a file, the environment, the command
    /// line.
    /// </summary>
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
            AddFile(configuration, file);
        }

        configuration.AddEnvironmentVariables();
        configuration.AddCommandLine([.. line.Settings]);
    }

    /// <summary>Reads the settings for a command that builds no host.</summary>
    /// <exception cref="OptionsValidationException">
    /// A setting is invalid or unknown; the exception lists all errors.
    /// </exception>
    public static Settings Of(CommandLine line)
    {
        using var configuration = new ConfigurationManager();
        AddSources(configuration, line);
        return Read(configuration, line);
    }

    /// <exception cref="OptionsValidationException">
    /// A setting is invalid or unknown; the exception lists all errors.
    /// </exception>
    public static Settings Read(IConfiguration configuration, CommandLine line)
    {
        var faults = new List<SettingFault>();
        var host = Bind<HostOptions>(configuration, HostOptions.Section, faults);
        var storage = Bind<StorageOptions>(configuration, StorageOptions.Section, faults);
        var secrets = Bind<SecretsOptions>(configuration, SecretsOptions.Section, faults);
        var scheduler = Bind<SchedulerOptions>(configuration, SchedulerOptions.Section, faults);
        Bind<WorkerAgentOptions>(configuration, WorkerAgentOptions.Section, faults);
        Bind<HubOptions>(configuration, HubOptions.Section, faults);
        Bind<RuntimeOptions>(configuration, RuntimeOptions.Section, faults);
        Bind<ApiOptions>(configuration, ApiOptions.Section, faults);
        Bind<InferenceOptions>(configuration, InferenceOptions.Section, faults);
        Bind<RequestLogOptions>(configuration, RequestLogOptions.Section, faults);
        Bind<MemoryOptions>(configuration, MemoryOptions.Section, faults);
        Bind<ConnectionOptions>(configuration, ConnectionOptions.Section, faults);
        var dashboard = Bind<DashboardOptions>(configuration, DashboardOptions.Section, faults);
        foreach (var (adapter, options) in ProvidersSetup.Adapters)
        {
            Bind(configuration, $"{ProvidersSetup.Section}:{adapter}", options, faults);
        }

        faults.AddRange(RoleFaults(configuration, host, storage));
        if (line.IsDemo && host.Role is HostRole.Doors or HostRole.Silo)
        {
            faults.Add(
                new SettingFault($"{HostOptions.Section}:{nameof(host.Role)}", host.Role, HostRole.All, "for the demo")
            );
        }

        if (line.IsFresh && storage.PostgreSql.IsSet)
        {
            faults.Add(
                new SettingFault("Storage:PostgreSql:ConnectionString", "set", "no value", "for the demo with --fresh")
            );
        }

        faults.AddRange(UnknownProviders(configuration));
        faults.AddRange(UnknownSections(configuration));
        var simulatedState = configuration[$"{ProvidersSetup.Section}:Simulated:StatePath"];
        return faults.Count > 0
            ? throw Refusal(faults)
            : new Settings(host, storage, secrets, scheduler, dashboard, simulatedState);
    }

    /// <summary>Validation errors of settings that are valid on their own but not together.</summary>
    private static IEnumerable<SettingFault> RoleFaults(
        IConfiguration configuration,
        HostOptions host,
        StorageOptions storage
    )
    {
        const string simulated = $"{ProvidersSetup.Section}:Simulated";
        const string process = $"{ProvidersSetup.Section}:Process";
        if (!storage.PostgreSql.IsSet)
        {
            if (host.Role is HostRole.Doors or HostRole.Silo)
            {
                yield return new SettingFault(
                    $"{HostOptions.Section}:{nameof(host.Role)}",
                    host.Role,
                    HostRole.All,
                    "without Storage:PostgreSql"
                );
            }

            yield break;
        }

        const string inCluster = "with Storage:PostgreSql";
        if (IsOn(configuration, process, byDefault: false))
        {
            yield return new SettingFault(
                $"{process}:Enabled",
                "true",
                "false, since its runtimes are bound to one host",
                inCluster
            );
        }

        if (
            IsOn(configuration, simulated, byDefault: true)
            && string.IsNullOrEmpty(configuration[$"{simulated}:StatePath"])
        )
        {
            yield return new SettingFault(
                $"{simulated}:StatePath",
                null,
                "a file that the silos of this host share",
                inCluster
            );
        }
    }

    private static bool IsOn(IConfiguration configuration, string adapter, bool byDefault) =>
        bool.TryParse(configuration[$"{adapter}:Enabled"], out var isOn) ? isOn : byDefault;

    private static T Bind<T>(IConfiguration configuration, string section, List<SettingFault> faults) =>
        (T)Bind(configuration, section, typeof(T), faults);

    /// <summary>The settings of a section; the defaults if the section cannot be read.</summary>
    private static object Bind(IConfiguration configuration, string section, Type type, List<SettingFault> faults)
    {
        var found = configuration.GetSection(section);
        var options = Activator.CreateInstance(type)!;
        var unreadable = UnreadableSettings.In(found, type).ToList();
        faults.AddRange(unreadable);
        if (unreadable.Count == 0)
        {
            found.Bind(options);
            faults.AddRange(SettingsCheck.Of(section, options));
        }

        return options;
    }

    private static OptionsValidationException Refusal(IEnumerable<SettingFault> faults) =>
        new("settings", typeof(Settings), faults.Select(fault => fault.ToString()));

    private static void AddFile(ConfigurationManager configuration, string file)
    {
        try
        {
            configuration.AddJsonFile(Path.GetFullPath(file), optional: false, reloadOnChange: false);
        }
        catch (Exception exception)
            when (exception is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            throw Refusal([
                new SettingFault("--config", file, $"a file of JSON settings: {exception.GetBaseException().Message}"),
            ]);
        }
    }

    /// <summary>
    /// Unknown sections of a file or the command line. The environment is not checked, because other programs use it
    /// too.
    /// </summary>
    private static IEnumerable<SettingFault> UnknownSections(IConfiguration configuration) =>
        ((IConfigurationRoot)configuration)
            .Providers.Where(source => source is not EnvironmentVariablesConfigurationProvider)
            .SelectMany(source => source.GetChildKeys([], null))
            .Distinct(StringComparer.OrdinalIgnoreCase)
            .Where(section => !Sections.Contains(section, StringComparer.OrdinalIgnoreCase))
            .Select(configuration.GetSection)
            .Select(section => Unknown(section, "section", Sections));

    private static IEnumerable<SettingFault> UnknownProviders(IConfiguration configuration) =>
        configuration
            .GetSection(ProvidersSetup.Section)
            .GetChildren()
            .Where(adapter => !ProvidersSetup.Adapters.ContainsKey(adapter.Key))
            .Select(adapter => Unknown(adapter, "provider", ProvidersSetup.Adapters.Keys));

    private static SettingFault Unknown(IConfigurationSection section, string kind, IEnumerable<string> known) =>
        new(section.Path, section.Value ?? "a section", $"no such {kind}; known here: {string.Join(", ", known)}");

    private static string Shipped(string file) => Path.Combine(AppContext.BaseDirectory, "silo-config", file);
}
