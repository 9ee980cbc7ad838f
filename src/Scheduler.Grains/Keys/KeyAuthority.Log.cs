using Microsoft.Extensions.Logging;

namespace Scheduler.Grains.Keys;

public sealed partial class KeyAuthority
{
    [LoggerMessage(
        1701,
        LogLevel.Warning,
        "The bootstrap operator key {KeyId} was revoked at {RevokedAt}; it grants no access"
    )]
    private partial void LogBootstrapRevoked(string keyId, DateTimeOffset revokedAt);
}
