using System.Data.Common;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;
using Orleans.Serialization;
using Orleans.Storage;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Events;
using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Requests;
using Scheduler.Domain.Secrets;
using Scheduler.Domain.Storage;
using Scheduler.Storage.Agenda;
using Scheduler.Storage.Billing;
using Scheduler.Storage.Entities;
using Scheduler.Storage.Events;
using Scheduler.Storage.Firewalls;
using Scheduler.Storage.Instances;
using Scheduler.Storage.PostgreSql;
using Scheduler.Storage.Providers;
using Scheduler.Storage.Requests;
using Scheduler.Storage.Sql;
using Scheduler.Storage.Sqlite;

namespace Scheduler.Storage;

public static class StorageSetup
{
    public const string DefaultName = "db";

    /// <summary>
    /// Registers grain storage and all storage interfaces: PostgreSQL if it is configured, otherwise one SQLite file.
    /// Building the silo opens the store and migrates its schema. It throws <see cref="StorageUnusableException"/> if
    /// the store cannot be used.
    /// </summary>
    public static ISiloBuilder AddSchedulerStorage(
        this ISiloBuilder silo,
        StorageOptions options,
        string name = DefaultName
    )
    {
        // The scheduler's clock starts from the store, so the store cannot use it: it notes in its own schema when it was migrated.
        var clock = TimeProvider.System;
        return options.PostgreSql.IsSet
            ? AddOpened(silo, name, services => PostgreSqlStore.Open(options, clock, Logger<PostgreSqlStore>(services)))
            : AddOpened(silo, name, services => SqliteStore.Open(options, clock, Logger<SqliteStore>(services)));
    }

    /// <summary>Registers an open store that the caller closes, for several silos in one process.</summary>
    public static ISiloBuilder AddSchedulerStorage(
        this ISiloBuilder silo,
        SqliteStore store,
        string name = DefaultName
    ) => AddCallers(silo, name, store);

    /// <inheritdoc cref="AddSchedulerStorage(ISiloBuilder, SqliteStore, string)"/>
    public static ISiloBuilder AddSchedulerStorage(
        this ISiloBuilder silo,
        PostgreSqlStore store,
        string name = DefaultName
    ) => AddCallers(silo, name, store);

    private static ISiloBuilder AddOpened<TStore>(ISiloBuilder silo, string name, Func<IServiceProvider, TStore> open)
        where TStore : class, ISqlStore, IStatementRunner
    {
        silo.Services.AddSingleton(open);
        silo.Services.AddSingleton<ISqlStore>(provider => provider.GetRequiredService<TStore>());
        return AddOn<TStore>(silo, name);
    }

    private static ISiloBuilder AddCallers<TStore>(ISiloBuilder silo, string name, TStore store)
        where TStore : class, ISqlStore, IStatementRunner
    {
        // Registered as instances, so that the container of a silo does not dispose them.
        silo.Services.AddSingleton(store);
        silo.Services.AddSingleton<ISqlStore>(store);
        return AddOn<TStore>(silo, name);
    }

    private static ISiloBuilder AddOn<TStore>(ISiloBuilder silo, string name)
        where TStore : class, ISqlStore, IStatementRunner
    {
        var services = silo.Services;
        services.AddKeyedSingleton<DbDataSource>(
            name,
            (provider, _) => new StatementDataSource(provider.GetRequiredService<TStore>())
        );
        AddGrainStorage(services, name);
        // Lets Orleans serialize storage exceptions, so that callers on other silos receive them instead of a
        // serialization error.
        services.Configure<ExceptionSerializationOptions>(options =>
        {
            options.SupportedNamespacePrefixes.Add(typeof(StorageException).Namespace!);
            options.SupportedNamespacePrefixes.Add(typeof(UnreadableStateException).Namespace!);
            options.SupportedNamespacePrefixes.Add(typeof(SecretUnreadableException).Namespace!);
            options.SupportedNamespacePrefixes.Add(nameof(Npgsql));
        });
        services.AddSingleton<IAgenda, SqlAgenda>();
        services.AddSingleton<IStoreProbe, SqlStoreProbe>();
        services.AddSingleton<IStoredClock, SqlStoredClock>();
        services.AddSingleton<IEventLog, SqlEventLog>();
        services.AddSingleton<IAccountRows, SqlAccountRows>();
        services.AddSingleton<IQuotaRows, SqlQuotaRows>();
        services.AddSingleton<IInstanceIndex, SqlInstanceIndex>();
        services.AddSingleton<IFleetTotals, SqlFleetTotals>();
        services.AddSingleton<IEntityIndex, SqlEntityIndex>();
        services.AddSingleton<IEvaluationLog, SqlEvaluationLog>();
        services.AddSingleton<IRequestLog, SqlRequestLog>();
        services.AddSingleton<IAllocationJournal, SqlAllocationJournal>();
        return silo;
    }

    private static void AddGrainStorage(IServiceCollection services, string name)
    {
        var inner = $"{name}-ado-net";
        services.TryAddSingleton(TimeProvider.System);
        services.AddAdoNetGrainStorage(
            inner,
            (Microsoft.Extensions.Options.OptionsBuilder<AdoNetGrainStorageOptions> options) =>
                options.Configure<IServiceProvider>(
                    (settings, provider) =>
                    {
                        settings.Invariant = StatementDataSource.Invariant;
                        settings.DataSource = provider.GetRequiredKeyedService<DbDataSource>(name);
                        settings.GrainStorageSerializer = new StateSerializer();
                    }
                )
        );
        services.AddKeyedSingleton<IGrainStorage>(
            name,
            (provider, _) =>
                new StateStorage(
                    provider.GetRequiredKeyedService<IGrainStorage>(inner),
                    provider.GetRequiredService<StorageMetrics>(),
                    provider.GetRequiredService<TimeProvider>()
                )
        );
        services.AddMetrics();
        services.AddSingleton<StorageMetrics>();
    }

    private static ILogger<T> Logger<T>(IServiceProvider services) => services.GetRequiredService<ILogger<T>>();
}
