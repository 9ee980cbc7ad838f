using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Scheduler.Dashboard.SignIn;

/// <summary>
/// Keeps the keys that encrypt sessions in a folder that only its owner can read, because these keys allow signing in
/// as anyone. If the folder cannot be created, the keys stay in memory and sessions end with the process.
/// </summary>
internal sealed partial class SessionKeys(string folder, Exception why, ILogger<SessionKeys> logger) : IHostedService
{
    public static void Add(IServiceCollection services, string folder)
    {
        var protection = services.AddDataProtection().SetApplicationName("scheduler");
        var path = Path.GetFullPath(folder);
        try
        {
            protection.PersistKeysToFileSystem(Make(path));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            services.AddSingleton<IDataProtectionProvider, EphemeralDataProtectionProvider>();
            services.AddHostedService(at => new SessionKeys(
                path,
                exception,
                at.GetRequiredService<ILogger<SessionKeys>>()
            ));
        }
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        LogInMemory(folder, why.Message);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static DirectoryInfo Make(string path) =>
        OperatingSystem.IsWindows()
            ? Directory.CreateDirectory(path)
            : Directory.CreateDirectory(
                path,
                UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
            );

    [LoggerMessage(
        5103,
        LogLevel.Warning,
        "Cannot keep session keys in {Folder} ({Why}); dashboard sessions end with this process. Set Dashboard:KeysPath to a writable folder"
    )]
    private partial void LogInMemory(string folder, string why);
}
