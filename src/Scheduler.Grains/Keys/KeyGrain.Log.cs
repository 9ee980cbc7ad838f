using Microsoft.Extensions.Logging;

namespace Scheduler.Grains.Keys;

internal sealed partial class KeyGrain
{
    [LoggerMessage(Level = LogLevel.Error, Message = "Key {KeyId} could not be recorded")]
    private partial void LogWriteFailed(Exception exception, string keyId);
}
