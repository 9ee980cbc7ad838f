using System.Diagnostics;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Options;
using Scheduler.Edge;
using Scheduler.Host;
using Scheduler.Host.Demo;
using Scheduler.Storage;

// Exit codes. 0: stopped on request, or the command is done. 1: health is not ready. 2: invalid arguments or settings.
// 3: the store cannot be used. 4: any other error at the start.
const int NotReady = 1;
const int BadSettings = 2;
const int StoreUnusable = 3;
const int CouldNotStart = 4;

if (!CommandLine.TryParse(args, out var line, out var fault))
{
    await Console.Error.WriteLineAsync($"{fault}\n{CommandLine.Usage}");
    return BadSettings;
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
            return await BackupCommand.RunAsync(Settings.Of(line), line.BackupTo!) ? 0 : StoreUnusable;
        case Command.Health:
            return await HealthCommand.IsReadyAsync(Settings.Of(line).Host) ? 0 : NotReady;
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
catch (OptionsValidationException exception)
{
    await Console.Error.WriteLineAsync("The scheduler did not start; settings are wrong:");
    foreach (var failure in exception.Failures)
    {
        await Console.Error.WriteLineAsync($"  {failure}");
    }

    return BadSettings;
}
catch (Exception exception) when (exception.Find<StorageUnusableException>() is { } unusable)
{
    await Console.Error.WriteLineAsync($"The scheduler did not start; its store cannot be used: {unusable.Message}");
    return StoreUnusable;
}
catch (Exception exception) when (exception.Find<AddressInUseException>() is not null)
{
    await Console.Error.WriteLineAsync(
        $"The scheduler did not start: {exception.Message} Set Host:HttpPort, Host:GrpcPort and Host:SiloPort to free ports; 0 takes any."
    );
    return CouldNotStart;
}
catch (Exception exception) when (exception is IOException or InvalidDataException or UnauthorizedAccessException)
{
    await Console.Error.WriteLineAsync($"The scheduler did not start: {exception.Message}");
    return CouldNotStart;
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
    catch when (isStarted)
    {
        await app.StopAsync(CancellationToken.None);
        throw;
    }

    await app.WaitForShutdownAsync(CancellationToken.None);
    await demo;
}
