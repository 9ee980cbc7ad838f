using Scheduler.Domain.Runtimes;
using Scheduler.Edge;
using Scheduler.ModelFit;
using Scheduler.Providers.WorkerAgent;

namespace Scheduler.Host;

/// <summary>
/// <c>scheduler worker</c>: runs this host's runtimes for a scheduler elsewhere. It has no database, no grains and no API for clients.
/// </summary>
internal static class WorkerHost
{
    /// <returns>False if the host cannot join.</returns>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">A setting is invalid.</exception>
    public static async Task<bool> RunAsync(CommandLine line)
    {
        var builder = WebApplication.CreateSlimBuilder(
            new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory }
        );
        Settings.AddSources(builder.Configuration, line);
        var settings = Settings.Read(builder.Configuration, line);
        HostLogging.Add(builder, settings.Host, isQuiet: false);
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddOptions<RuntimeOptions>().Bind(builder.Configuration.GetSection(RuntimeOptions.Section));
        var options = builder.Configuration.GetSection(WorkerAgentOptions.Section).Get<WorkerAgentOptions>() ?? new();
        Uri address;
        try
        {
            address = await builder.AddWorkerAsync(
                options,
                (gpu, vramGib, instanceType) => GpuCatalogue.Shipped.Resolve(gpu, vramGib, instanceType)?.Name,
                ProductVersion.Full,
                CancellationToken.None
            );
        }
        catch (WorkerJoinException exception)
        {
            await Console.Error.WriteLineAsync(exception.Message);
            return false;
        }

        await using var app = builder.Build();
        app.MapWorker();
        await app.StartAsync(CancellationToken.None);
        await Console.Out.WriteLineAsync($"ready worker={address}");
        await app.WaitForShutdownAsync(CancellationToken.None);
        return true;
    }
}
