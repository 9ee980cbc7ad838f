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

    await using var app = SchedulerHost.Build(line);
    await app.StartAsync();
    var (token, keptIn) = await app
        .Services.GetRequiredService<OperatorKey>()
        .EnsureAsync(app.Lifetime.ApplicationStopping);
    var keyIs = keptIn ?? (token is null ? "none" : "configured");
    await Console.Out.WriteLineAsync(
        $"ready http={app.HttpAddress()} grpc={app.GrpcAddress()?.ToString() ?? "none"} operator_key={keyIs}"
    );
    if (line.IsDemo && token is not null)
    {
        await DemoRun.ShowAsync(app, token, Console.Out, app.Lifetime.ApplicationStopping);
    }

    await app.WaitForShutdownAsync();
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
