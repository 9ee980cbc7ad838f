using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Scheduler.Domain.Ids;
using Scheduler.Grains;
using Scheduler.Grains.Keys;

namespace Scheduler.Api.Edge;

/// <summary>Finds the scope of a request wherever a piece of it is at hand.</summary>
internal static class RequestScopeExtensions
{
    public static RequestScope Scope(this HttpContext http) =>
        http.Features.Get<RequestScope>()
        ?? throw new InvalidOperationException("The request has no scope; MapApi must come first.");

    public static RequestScope Scope(this ServerCallContext call) => call.GetHttpContext().Scope();

    /// <summary>Who called; for methods that need a key.</summary>
    public static Caller Caller(this ServerCallContext call) =>
        call.Scope().Caller
        ?? throw new InvalidOperationException("No caller: the method needs a key and none was checked.");

    /// <summary>Under what a command is given.</summary>
    /// <param name="call">The call.</param>
    /// <param name="account">The account in the resource's name; null for what belongs to no account.</param>
    /// <param name="clientRequestId">The caller's idempotency id; empty for none.</param>
    public static CommandContext Command(
        this ServerCallContext call,
        AccountId? account,
        string clientRequestId = ""
    ) => new(call.Scope().Id, call.Caller().Actor, account, clientRequestId.Length > 0 ? clientRequestId : null);
}
