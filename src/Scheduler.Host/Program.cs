using System.Diagnostics;
using Scheduler.Edge;
using Scheduler.Host;
using Scheduler.Host.Demo;
using Scheduler.Host.Load;
using Scheduler.Storage;

// Exit codes. 0: stopped on request, or the command is done. 1: health is not ready, or a command failed. 2: invalid arguments or settings.
// 3: the store cannot be used. 4: any other error at the start. 5: the other silos declared this one dead.
const int NotReady = 1;
const int NotDone = 1;

if (!CommandLine.TryParse(args, out var line, out var fault))
{
    await Console.Error.WriteLineAsync($"{fault}\n{CommandLine.Usage}");
    return StartFault.BadSettings;
}

try
{
    switch (line.Command)
    {
        case Command.Migrate:
            await Console.Out.WriteLineAsync(
                SchemaChange.Make(Settings.Of(line).Storage, TimeProvider.System).ToString()
            );
            return 0;
        case Command.Backup:
            return await BackupCommand.RunAsync(Settings.Of(line), line.BackupTo!) ? 0 : StartFault.StoreUnusable;
        case Command.Health:
            return await HealthCommand.IsReadyAsync(Settings.Of(line).Host) ? 0 : NotReady;
        case Command.RotateSecrets:
            return await SecretsCommand.RotateAsync(Settings.Of(line)) ? 0 : NotDone;
        case Command.Worker:
            return await WorkerHost.RunAsync(line) ? 0 : NotDone;
        case Command.Load:
            return await LoadCommand.RunAsync(line.Load!, Console.Out, TimeProvider.System, CancellationToken.None)
                ? 0
                : NotDone;
        case Command.Version:
            await Console.Out.WriteLineAsync($"scheduler {ProductVersion.Full}");
            return 0;
        case Command.Serve or Command.Demo:
            break;
        default:
            throw new UnreachableException();
    }

    if (line.IsFresh && FreshData.MoveAside(Settings.Of(line), TimeProvider.System.GetUtcNow()) is { } folder)
    {
        await Console.Out.WriteLineAsync($"The data so far is in {folder}");
    }

    await using var app = SchedulerHost.Build(line);
    await ServeUntilStoppedAsync(app, line);
    return 0;
}
catch (Exception exception) when (StartFault.Of(exception) is { } why)
{
    await Console.Error.WriteLineAsync(why.Text);
    return why.ExitCode;
}

// Every way out after the start goes through a graceful stop. A host that is only disposed loses its services while its
// grains still use them.
static async Task ServeUntilStoppedAsync(WebApplication app, CommandLine line)
{
    var stopping = app.Lifetime.ApplicationStopping;
    var (demo, isStarted) = (Task.CompletedTask, false);
    try
    {
        await app.StartAsync(CancellationToken.None);
        isStarted = true;
        var (token, keptIn) = await app.Services.GetRequiredService<OperatorKey>().EnsureAsync(stopping);
        var keyIs = keptIn ?? (token is null ? "none" : "configured");
        await Console.Out.WriteLineAsync(
            $"ready http={app.HttpAddress()} grpc={app.GrpcAddress()?.ToString() ?? "none"} operator_key={keyIs}"
        );
        demo = line.IsDemo && token is not null ? DemoRun.ShowAsync(app, token, Console.Out, stopping) : demo;
    }
    catch (Exception) when (!isStarted && stopping.IsCancellationRequested)
    {
        // A stop was requested during the start. No request was accepted yet, and a silo cannot stop before it runs.
        return;
    }
    catch (OperationCanceledException) when (stopping.IsCancellationRequested)
    {
        // A stop was requested while the operator's key was recorded.
    }
    catch when (isStarted || IsSiloRunning(app))
    {
        await app.StopAsync(CancellationToken.None);
        throw;
    }

    await app.WaitForShutdownAsync(CancellationToken.None);
    await demo;
}

// The silo starts before the ports open, so it runs when a port is taken.
static bool IsSiloRunning(WebApplication app) =>
    app.Services.GetService<ISiloStatusOracle>()?.CurrentStatus is SiloStatus.Active;
