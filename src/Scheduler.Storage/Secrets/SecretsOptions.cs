using System.Security;
using Scheduler.Domain.Settings;

namespace Scheduler.Storage.Secrets;

/// <summary>Master keys that encrypt secrets and runtime keys in the store. Section <c>Secrets</c>.</summary>
/// <remarks>
/// To change the key, write a new one in front of the old one and restart all silos. Then run <c>scheduler secrets rotate</c>. Only
/// after that, remove the old one.
/// </remarks>
public sealed class SecretsOptions : ICheckedSettings
{
    public const string Section = "Secrets";

    /// <summary>Name of the file that a scheduler with a SQLite file makes beside it, mode 600.</summary>
    public const string DefaultFile = "secrets.key";

    /// <summary>
    /// File with the keys, one per line as <c>ID:KEY</c>; the first one encrypts. <c>ID</c> is 1 to 63 of a-z, 0-9 and '-';
    /// <c>KEY</c> is 32 random bytes in base64. Set either this or <see cref="MasterKeys"/>.
    /// </summary>
    /// <value>
    /// Null: with SQLite, <c>secrets.key</c> beside the SQLite file; it is made if it does not exist. With PostgreSQL no secret is stored.
    /// </value>
    public string? MasterKeyFile { get; set; }

    /// <summary>The same text, with commas for line ends. It belongs in the environment (<c>Secrets__MasterKeys</c>).</summary>
    public string? MasterKeys { get; set; }

    internal bool IsSet => !string.IsNullOrEmpty(MasterKeyFile) || !string.IsNullOrEmpty(MasterKeys);

    public IEnumerable<SettingFault> Check(string section)
    {
        if (!IsSet)
        {
            yield break;
        }

        var text = $"{section}:{nameof(MasterKeys)}";
        var file = $"{section}:{nameof(MasterKeyFile)}";
        if (!string.IsNullOrEmpty(MasterKeys) && !string.IsNullOrEmpty(MasterKeyFile))
        {
            yield return new SettingFault(text, "set", $"one of it and {file}");
        }
        else if (!string.IsNullOrEmpty(MasterKeys))
        {
            if (Secrets.MasterKeys.Parse(MasterKeys) is null)
            {
                yield return new SettingFault(text, "not shown", Secrets.MasterKeys.Accepted);
            }
        }
        else if (FaultOfFile() is { } accepted)
        {
            yield return new SettingFault(file, MasterKeyFile, accepted);
        }
    }

    private string? FaultOfFile()
    {
        const string accepted = $"a file with {Secrets.MasterKeys.Accepted}";
        try
        {
            return Secrets.MasterKeys.Parse(File.ReadAllText(MasterKeyFile!)) is null ? accepted : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or SecurityException)
        {
            return $"{accepted}, which cannot be read: {exception.Message}";
        }
    }
}
