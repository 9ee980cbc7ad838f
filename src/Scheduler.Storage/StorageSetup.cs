using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;
using Orleans.Serialization;
using Orleans.Storage;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Events;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Storage;
using Scheduler.Storage.Agenda;
using Scheduler.Storage.Billing;
using Scheduler.Storage.Entities;
using Scheduler.Storage.Events;
using Scheduler.Storage.Instances;
using Scheduler.Storage.Sqlite;

namespace Scheduler.Storage;

/// <summary>Plugs the memory into a silo.</summary>
public static class StorageSetup
{
    /// <summary>The name under which grains ask for their state, unless told otherwise.</summary>
    public const string DefaultName = "db";

    // The literal under which Orleans accepts Microsoft.Data.Sqlite; there is no other.
    private const string Invariant = "System.Data.SQLite";

    /// <summary>
    /// One SQLite file as grain storage and behind every port of the memory. The file is opened, and its schema made or
    /// upgraded, when the silo is built; that throws <see cref="StorageUnusableException"/> if it cannot be used.
    /// </summary>
    /// <param name="silo">The silo.</param>
    /// <param name="options">Where and how.</param>
    /// <param name="name">Name of the grain storage.</param>
    public static ISiloBuilder AddSqliteStorage(
        this ISiloBuilder silo,
        StorageOptions options,
        string name = DefaultName
    )
    {
        ArgumentNullException.ThrowIfNull(silo);
        silo.Services.AddSqliteStorage(options, name);
        return silo;
    }

    /// <summary>The same on a store that is open already and that the caller closes: for several silos in one process.</summary>
    /// <param name="silo">The silo.</param>
    /// <param name="store">The store.</param>
    /// <param name="name">Name of the grain storage.</param>
    public static ISiloBuilder AddSqliteStorage(this ISiloBuilder silo, SqliteStore store, string name = DefaultName)
    {
        ArgumentNullException.ThrowIfNull(silo);
        ArgumentNullException.ThrowIfNull(store);
        silo.Services.AddSingleton(store);
        AddOn(silo.Services, name);
        return silo;
    }

    /// <inheritdoc cref="AddSqliteStorage(ISiloBuilder, StorageOptions, string)"/>
    /// <param name="services">The silo's services.</param>
    /// <param name="options">Where and how.</param>
    /// <param name="name">Name of the grain storage.</param>
    public static IServiceCollection AddSqliteStorage(
        this IServiceCollection services,
        StorageOptions options,
        string name = DefaultName
    )
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(options);
        options.ThrowIfFaulty();
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(provider =>
            SqliteStore.Open(
                options,
                provider.GetRequiredService<TimeProvider>(),
                provider.GetRequiredService<ILogger<SqliteStore>>()
            )
        );
        return AddOn(services, name);
    }

    private static IServiceCollection AddOn(IServiceCollection services, string name)
    {
        var inner = $"{name}-ado-net";
        services.TryAddSingleton(TimeProvider.System);
        services.AddAdoNetGrainStorage(
            inner,
            (Microsoft.Extensions.Options.OptionsBuilder<AdoNetGrainStorageOptions> options) =>
                options.Configure<SqliteStore>(
                    (settings, store) =>
                    {
                        settings.Invariant = Invariant;
                        settings.DataSource = store.DataSource;
                        settings.GrainStorageSerializer = new StateSerializer();
                    }
                )
        );
        services.AddKeyedSingleton<IGrainStorage>(
            name,
            (provider, _) =>
                new MeasuredGrainStorage(
                    new GuardedGrainStorage(provider.GetRequiredKeyedService<IGrainStorage>(inner)),
                    provider.GetRequiredService<StorageMetrics>(),
                    provider.GetRequiredService<TimeProvider>()
                )
        );
        services.AddMetrics();
        services.AddSingleton<StorageMetrics>();
        // Callers of a grain, on whichever silo, are told what the store said, and not that it could not be said.
        services.Configure<ExceptionSerializationOptions>(options =>
        {
            options.SupportedNamespacePrefixes.Add(typeof(StorageException).Namespace!);
            options.SupportedNamespacePrefixes.Add(typeof(UnreadableStateException).Namespace!);
        });
        services.AddSingleton<IAgenda, SqliteAgenda>();
        services.AddSingleton<IEventLog, SqliteEventLog>();
        services.AddSingleton<IAccountBook, SqliteAccountBook>();
        services.AddSingleton<IInstanceIndex, SqliteInstanceIndex>();
        services.AddSingleton<IFleetTotals, SqliteFleetTotals>();
        services.AddSingleton<IEntityIndex, SqliteEntityIndex>();
        return services;
    }
}
