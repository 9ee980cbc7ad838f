using System.Security.Cryptography;
using System.Text.Json;

namespace Scheduler.Grains.Instances;

/// <summary>A digest of a command, to tell a repeated command from a different one under the same id.</summary>
internal static class Fingerprint
{
    /// <summary>SHA-256 of the command as JSON, hexadecimal.</summary>
    public static string Of<T>(T command)
        where T : class => Convert.ToHexStringLower(SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(command)));
}
