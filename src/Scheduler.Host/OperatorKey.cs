using Scheduler.Grains.Keys;

namespace Scheduler.Host;

/// <summary>The operator's first key: configured, or made at the first start and kept beside the database.</summary>
internal static class OperatorKey
{
    private const string FileName = "operator.key";

    /// <summary>Sees to it that the key opens the door, and returns it.</summary>
    /// <param name="services">The started host's services.</param>
    /// <param name="configured">The configured token; null to use the file.</param>
    /// <param name="databasePath">The database the file lies beside.</param>
    /// <param name="cancellationToken">Ends the start.</param>
    /// <returns>The token, and where it is kept; null when it was configured.</returns>
    public static async Task<(string Token, string? KeptIn)> EnsureAsync(
        IServiceProvider services,
        string? configured,
        string databasePath,
        CancellationToken cancellationToken
    )
    {
        var file = configured is null
            ? Path.Combine(Path.GetDirectoryName(Path.GetFullPath(databasePath))!, FileName)
            : null;
        var token = configured ?? await ReadOrMakeAsync(file!, cancellationToken);
        await services.GetRequiredService<KeyAuthority>().EnsureBootstrapOperatorKeyAsync(token);
        return (token, file);
    }

    private static async Task<string> ReadOrMakeAsync(string file, CancellationToken cancellationToken)
    {
        if (File.Exists(file))
        {
            return (await File.ReadAllTextAsync(file, cancellationToken)).Trim();
        }

        var token = KeyAuthority.NewToken().Reveal();
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        await using var writer = new StreamWriter(file, options);
        await writer.WriteLineAsync(token.AsMemory(), cancellationToken);
        return token;
    }
}
