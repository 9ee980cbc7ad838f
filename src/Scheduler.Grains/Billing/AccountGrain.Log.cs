using Microsoft.Extensions.Logging;
using Scheduler.Domain.Ids;

namespace Scheduler.Grains.Billing;

internal sealed partial class AccountGrain
{
    [LoggerMessage(1101, LogLevel.Error, "Account {Account}: a write failed, {Commands} commands must be asked again")]
    private partial void LogWriteFailed(Exception exception, AccountId account, int commands);

    [LoggerMessage(
        1102,
        LogLevel.Warning,
        "Instance {Instance} could not be told that the balance ran out; it is told again"
    )]
    private partial void LogNotifyFailed(Exception exception, InstanceId instance);
}
