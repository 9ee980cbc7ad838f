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

    [LoggerMessage(
        1103,
        LogLevel.Information,
        "Account {Account}: freed the hold of {Instance} for run {Run}, whose launch was never recorded"
    )]
    private partial void LogHoldFreed(AccountId account, InstanceId instance, int run);

    [LoggerMessage(1104, LogLevel.Warning, "Could not ask instance {Instance} about its hold; asking again")]
    private partial void LogAskFailed(Exception exception, InstanceId instance);
}
