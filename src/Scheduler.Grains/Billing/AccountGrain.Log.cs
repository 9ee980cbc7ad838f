using Microsoft.Extensions.Logging;
using Scheduler.Domain.Ids;

namespace Scheduler.Grains.Billing;

internal sealed partial class AccountGrain
{
    [LoggerMessage(
        1101,
        LogLevel.Error,
        "Account {Account}: a write failed; the callers of {Commands} commands must retry"
    )]
    private partial void LogWriteFailed(Exception exception, AccountId account, int commands);

    [LoggerMessage(1102, LogLevel.Warning, "Could not notify instance {Instance} of the exhausted balance; retrying")]
    private partial void LogNotifyFailed(Exception exception, InstanceId instance);
}
