using Scheduler.Grains.Keys;

namespace Scheduler.Host;

/// <summary>The operator's first key: configured, or made at the first start and kept in a file.</summary>
/// <remarks>
/// Processes that start together agree: on one host the first to put the file in its place wins and the others take what is there; on
/// several hosts each has a file and a key of its own, and all of them open every door.
/// </remarks>
internal sealed partial class OperatorKey(
    KeyAuthority authority,
    Settings settings,
    TimeProvider clock,
    ILogger<OperatorKey> logger
)
{
    private const string FileName = "operator.key";

    /// <summary>A cluster that is just forming, or losing a silo, may not answer at once.</summary>
    private static readonly TimeSpan ClusterSettles = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private string File { get; } =
        Path.GetFullPath(settings.Host.OperatorKeyFile ?? Path.Combine(settings.OwnFolder, FileName));

    /// <summary>Sees to it that the key opens the doors.</summary>
    /// <param name="cancellationToken">Ends the start.</param>
    /// <returns>
    /// The token, null for doors alone without one: they make none. And the file it is kept in, null when it is configured.
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

            Make();
        }

        return (await System.IO.File.ReadAllTextAsync(File, cancellationToken)).Trim();
    }

    /// <summary>Written whole beside its place and then put there, unless another process was first.</summary>
    private void Make()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(File)!);
        var beside = $"{File}.{Environment.ProcessId}";
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using (var writer = new StreamWriter(beside, options))
        {
            writer.WriteLine(KeyAuthority.NewToken().Reveal());
        }

        try
        {
            System.IO.File.Move(beside, File, overwrite: false);
        }
        catch (IOException) when (System.IO.File.Exists(File))
        {
            System.IO.File.Delete(beside);
        }
    }

    [LoggerMessage(4105, LogLevel.Warning, "The operator's key could not be recorded yet; it is tried again: {Why}")]
    private partial void LogNotYet(string why);
}
