using Scheduler.Grains.Keys;

namespace Scheduler.Host;

/// <summary>The operator's first key: configured, or created at the first start and stored in a file.</summary>
/// <remarks>
/// Processes may start at the same time. On one host the first one creates the file, and the others read it. On several
/// hosts, each host has its own file and key, and every key is valid in the whole cluster.
/// </remarks>
internal sealed partial class OperatorKey(
    KeyAuthority authority,
    Settings settings,
    TimeProvider clock,
    ILogger<OperatorKey> logger
)
{
    private const string FileName = "operator.key";

    /// <summary>
    /// Time for retries: a cluster that is forming, or has just lost a silo, may not answer immediately.
    /// </summary>
    private static readonly TimeSpan ClusterSettles = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private string File { get; } = FileOf(settings);

    /// <summary>The configured key or that of the file; null without either.</summary>
    public static string? Known(Settings settings) =>
        settings.Host.OperatorKey
        ?? (System.IO.File.Exists(FileOf(settings)) ? System.IO.File.ReadAllText(FileOf(settings)).Trim() : null);

    private static string FileOf(Settings settings) =>
        Path.GetFullPath(settings.Host.OperatorKeyFile ?? Path.Combine(settings.OwnFolder, FileName));

    /// <summary>Records the key in the store, so that it is valid.</summary>
    /// <returns>
    /// The token, null for the role <c>doors</c> without a configured key or file; and its file, null if it is
    /// configured.
    /// </returns>
    public async Task<(string? Token, string? KeptIn)> EnsureAsync(CancellationToken cancellationToken)
    {
        var isConfigured = settings.Host.OperatorKey is not null;
        var token = settings.Host.OperatorKey ?? await ReadOrMakeAsync(cancellationToken);
        if (token is not null)
        {
            await RecordAsync(token, cancellationToken);
        }

        return (token, isConfigured || token is null ? null : File);
    }

    private async Task RecordAsync(string token, CancellationToken cancellationToken)
    {
        var began = clock.GetTimestamp();
        while (true)
        {
            try
            {
                await authority.EnsureBootstrapOperatorKeyAsync(token).WaitAsync(cancellationToken);
                return;
            }
            catch (Exception exception)
                when (settings.IsCluster
                    && exception is TimeoutException or OrleansException
                    && clock.GetElapsedTime(began) < ClusterSettles
                )
            {
                LogNotYet(exception.Message);
            }

            await Task.Delay(Pause, clock, cancellationToken);
        }
    }

    private async Task<string?> ReadOrMakeAsync(CancellationToken cancellationToken)
    {
        if (!System.IO.File.Exists(File))
        {
            if (settings.Host.Role == HostRole.Doors)
            {
                return null;
            }

            PrivateFile.Write(File, KeyAuthority.NewToken().Reveal(), overwrite: false);
        }

        return (await System.IO.File.ReadAllTextAsync(File, cancellationToken)).Trim();
    }

    [LoggerMessage(4105, LogLevel.Warning, "Cannot record the operator's key yet; retrying: {Why}")]
    private partial void LogNotYet(string why);
}
