using Microsoft.AspNetCore.Http;
using Scheduler.Edge.Limits;
using Scheduler.Grains.Keys;

namespace Scheduler.Edge;

/// <summary>Before a request reaches a service: does its key open this door, and is there room for it?</summary>
internal sealed class Doorkeeper(
    KeyAuthority authority,
    EdgeMetrics metrics,
    LimitSettings settings,
    TimeProvider clock
) : IDisposable
{
    private readonly DoorLimits _limits = new(settings, clock);

    /// <summary>Lets in whoever comes, as far as there is room.</summary>
    /// <returns>To be disposed of when the request has ended.</returns>
    /// <exception cref="DoorException">There is no room.</exception>
    public ValueTask<Passage> AdmitAnyoneAsync(HttpContext http, Load load)
    {
        var address = AddressPrefix.Of(http.Connection.RemoteIpAddress);
        _limits.ThrowIfSpent(address, "");
        _limits.Charge(address);
        return _limits.EnterAsync(null, load, http.RequestAborted);
    }

    /// <summary>Lets in whoever shows a good key, as far as there is room; notes who it is in the request's scope.</summary>
    /// <param name="http">The request.</param>
    /// <param name="load">What it asks of the door.</param>
    /// <param name="changes">Whether it changes or spends anything, so that a viewer's key is not enough. Each door says it of each request.</param>
    /// <param name="operatorsOnly">Whether an account's key is not enough.</param>
    /// <returns>To be disposed of when the request has ended.</returns>
    /// <exception cref="DoorException">The key is missing, wrong, revoked or not enough; or there is no room.</exception>
    public async ValueTask<Passage> AdmitAsync(HttpContext http, Load load, bool changes, bool operatorsOnly = false)
    {
        var scope = http.Scope();
        var address = AddressPrefix.Of(http.Connection.RemoteIpAddress);
        var headers = http.Request.Headers.Authorization;
        var header = headers.Count > 1 ? "several" : headers.ToString();
        _limits.ThrowIfSpent(address, header);
        var verdict = await authority.VerifyAsync(header).WaitAsync(http.RequestAborted);
        if (verdict.Caller is not { } caller)
        {
            _limits.Charge(address);
            var refused = DoorError.Of(verdict.Failure!);
            metrics.KeyRefused(refused.Reason);
            throw new DoorException(refused);
        }

        scope.Caller = caller;
        _limits.CountAgainstRate(scope, caller, header);
        if (operatorsOnly && !caller.IsOperator)
        {
            throw new DoorException(DoorError.OperatorsOnly());
        }

        if (changes && !caller.MayChange)
        {
            throw new DoorException(DoorError.ViewersKey(caller.KeyId));
        }

        return await _limits.EnterAsync(caller, load, http.RequestAborted);
    }

    /// <summary>Lets in a session, whose key was shown and found good before, as far as there is room.</summary>
    /// <param name="http">The request.</param>
    /// <param name="caller">Whose session it is, its key asked again by whoever keeps sessions.</param>
    /// <param name="load">What it asks of the door.</param>
    /// <returns>To be disposed of when the request has ended.</returns>
    /// <exception cref="DoorException">There is no room.</exception>
    public ValueTask<Passage> AdmitKnownAsync(HttpContext http, Caller caller, Load load)
    {
        http.Scope().Caller = caller;
        return _limits.EnterAsync(caller, load, http.RequestAborted);
    }

    /// <inheritdoc/>
    public void Dispose() => _limits.Dispose();
}
