using Microsoft.AspNetCore.Http;
using Scheduler.Edge.Limits;
using Scheduler.Grains.Keys;

namespace Scheduler.Edge;

/// <summary>Admits requests before they reach a service: checks the key and the limits.</summary>
internal sealed class Doorkeeper(
    KeyAuthority authority,
    EdgeMetrics metrics,
    LimitSettings settings,
    TimeProvider clock
) : IDisposable
{
    private readonly DoorLimits _limits = new(settings, clock);

    /// <summary>Admits a request without a key. Such requests count for their address.</summary>
    /// <returns>Dispose it when the request ends.</returns>
    /// <exception cref="DoorException">A limit is reached.</exception>
    public ValueTask<Passage> AdmitAnyoneAsync(HttpContext http, Load load)
    {
        var address = AddressPrefix.Of(http.Connection.RemoteIpAddress);
        _limits.ThrowIfSpent(address, "");
        _limits.Charge(address);
        return _limits.EnterAsync(null, load, http.RequestAborted);
    }

    /// <summary>Admits a request with a valid key and stores the caller in the request's scope.</summary>
    /// <param name="changes">Whether it changes or spends anything: then a viewer's key is refused.</param>
    /// <param name="operatorsOnly">Whether an account's key is refused.</param>
    /// <returns>Dispose it when the request ends.</returns>
    /// <exception cref="DoorException">
    /// The key is missing, wrong, revoked or has no permission; or a limit is reached.
    /// </exception>
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

    /// <summary>Admits a request of a session, whose key was verified at sign-in.</summary>
    /// <param name="caller">The session's caller; the session code rechecks its key.</param>
    /// <returns>Dispose it when the request ends.</returns>
    /// <exception cref="DoorException">A limit is reached.</exception>
    public ValueTask<Passage> AdmitKnownAsync(HttpContext http, Caller caller, Load load)
    {
        http.Scope().Caller = caller;
        return _limits.EnterAsync(caller, load, http.RequestAborted);
    }

    public void Dispose() => _limits.Dispose();
}
