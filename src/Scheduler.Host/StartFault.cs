using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Options;
using Scheduler.Storage;

namespace Scheduler.Host;

/// <summary>Why the scheduler did not start, where the operator can cure it: settings, store, ports, files.</summary>
/// <param name="Text">For standard error; its lines end the output of the process.</param>
internal sealed record StartFault(int ExitCode, string Text)
{
    /// <summary>Invalid arguments or settings.</summary>
    public const int BadSettings = 2;

    /// <summary>The store cannot be used.</summary>
    public const int StoreUnusable = 3;

    /// <summary>Any other error at the start.</summary>
    public const int CouldNotStart = 4;

    /// <summary>Null for a bug, whose stack trace must be seen.</summary>
    public static StartFault? Of(Exception exception)
    {
        if (exception is OptionsValidationException settings)
        {
            var faults = string.Concat(settings.Failures.Select(failure => $"\n  {failure}"));
            return new StartFault(BadSettings, $"The scheduler did not start; settings are wrong:{faults}");
        }

        if (exception.Find<StorageUnusableException>() is { } store)
        {
            return new StartFault(
                StoreUnusable,
                $"The scheduler did not start; its store cannot be used: {store.Message}"
            );
        }

        if (exception.Find<AddressInUseException>() is not null)
        {
            return new StartFault(
                CouldNotStart,
                $"The scheduler did not start: {exception.Message.TrimEnd('.')}. Set Host:HttpPort, Host:GrpcPort and Host:SiloPort to free ports; 0 takes any."
            );
        }

        if (exception.Find<SocketException>() is { } socket)
        {
            return new StartFault(
                CouldNotStart,
                $"The scheduler did not start; it cannot listen: {socket.Message}. Set Host:Address and Host:SiloAddress to addresses of this host, and ports that are free."
            );
        }

        return exception is IOException or InvalidDataException or UnauthorizedAccessException
            ? new StartFault(CouldNotStart, $"The scheduler did not start: {exception.Message}")
            : null;
    }
}
