using Scheduler.Domain.Secrets;

namespace Scheduler.Storage.Secrets;

/// <summary>Opens the vault that the settings describe.</summary>
public static class SecretVaults
{
    private const string FirstId = "k1";

    /// <summary>
    /// The configured keys; with SQLite otherwise the key file beside it, which is made if it does not exist; else no keys.
    /// </summary>
    /// <exception cref="StorageUnusableException">The key file beside the SQLite file cannot be read or made.</exception>
    public static ISecretVault Open(SecretsOptions options, StorageOptions storage)
    {
        if (options.IsSet)
        {
            var text = string.IsNullOrEmpty(options.MasterKeys)
                ? File.ReadAllText(options.MasterKeyFile!)
                : options.MasterKeys;
            return new EnvelopeVault(
                MasterKeys.Parse(text)
                    ?? throw new StorageUnusableException($"Secrets: accepted is {MasterKeys.Accepted}.")
            );
        }

        if (storage.PostgreSql.IsSet)
        {
            return new UnsetVault();
        }

        var folder = Path.GetDirectoryName(Path.GetFullPath(storage.Sqlite.Path))!;
        return new EnvelopeVault(ReadOrMake(Path.Combine(folder, SecretsOptions.DefaultFile)));
    }

    private static MasterKeys ReadOrMake(string path)
    {
        try
        {
            if (!File.Exists(path))
            {
                Make(path);
            }

            return MasterKeys.Parse(File.ReadAllText(path))
                ?? throw new StorageUnusableException(
                    $"{path} holds no master key: accepted is {MasterKeys.Accepted}. Restore it from a back-up: what it encrypts cannot be read without it."
                );
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new StorageUnusableException(
                $"The key file {path} cannot be read or made: {exception.Message}",
                exception
            );
        }
    }

    /// <summary>Writes a temporary file and moves it into place. A file that another process made first stays.</summary>
    private static void Make(string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var beside = $"{path}.{Environment.ProcessId}";
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using (var file = new FileStream(beside, options))
        {
            file.Write(System.Text.Encoding.ASCII.GetBytes($"{MasterKeys.NewLine(FirstId)}\n"));
            // What it encrypts is lost without it, so it must survive power loss.
            file.Flush(flushToDisk: true);
        }

        try
        {
            File.Move(beside, path, overwrite: false);
        }
        catch (IOException) when (File.Exists(path))
        {
            File.Delete(beside);
        }
    }
}
