using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Scheduler.Dashboard.SignIn;

/// <summary>
/// The keys that seal sessions, in a folder that its owner alone may read: whoever has them can sign in as anybody. Where no folder can be
/// made they are kept in memory, and sessions end with the process.
/// </summary>
internal sealed partial class SessionKeys(string folder, Exception why, ILogger<SessionKeys> logger) : IHostedService
{
    /// <summary>Keeps them in a folder.</summary>
    /// <param name="services">Where to.</param>
    /// <param name="folder">Its path; made where it is missing.</param>
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

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        LogInMemory(folder, why.Message);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
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
        "The dashboard's sessions end with this process: their keys cannot be kept in {Folder} ({Why}); set Dashboard:KeysPath to a folder"
    )]
    private partial void LogInMemory(string folder, string why);
}
