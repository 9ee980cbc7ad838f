using Grpc.Core;
using Scheduler.Domain.Ids;
using Scheduler.Edge;
using Scheduler.Grains;
using Scheduler.Grains.Keys;

namespace Scheduler.Api.Pipeline;

internal static class CallScope
{
    public static RequestScope Scope(this ServerCallContext call) => call.GetHttpContext().Scope();

    /// <summary>The caller; only for methods that need a key.</summary>
    public static Caller Caller(this ServerCallContext call) =>
        call.Scope().Caller
        ?? throw new InvalidOperationException("No caller: the method needs a key and none was checked.");

    /// <param name="account">The account in the resource's name; null for a resource of no account.</param>
    /// <param name="clientRequestId">The caller's idempotency id; empty for none.</param>
    public static CommandContext Command(
        this ServerCallContext call,
        AccountId? account,
        string clientRequestId = ""
    ) => new(call.Scope().Id, call.Caller().Actor, account, clientRequestId.Length > 0 ? clientRequestId : null);
}
