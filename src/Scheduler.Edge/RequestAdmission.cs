using Microsoft.AspNetCore.Http;
using Scheduler.Edge.Limits;
using Scheduler.Grains.Keys;

namespace Scheduler.Edge;

/// <summary>Admits requests before they reach a service: checks the key and the limits.</summary>
internal sealed class RequestAdmission(
    KeyAuthority authority,
    EdgeMetrics metrics,
    LimitSettings settings,
    MemoryBudget memory,
    TimeProvider clock
) : IDisposable
{
    private readonly RequestLimits _limits = new(settings, memory, clock);

    /// <summary>Admits a request without a key. Such requests count for their address.</summary>
    /// <returns>Dispose it when the request ends.</returns>
    /// <exception cref="ApiException">A limit is reached.</exception>
    public ValueTask<RequestLease> AdmitAnyoneAsync(HttpContext http, RequestLoad load)
    {
        var address = AddressPrefix.Of(http.Connection.RemoteIpAddress);
        _limits.ThrowIfSpent(address, "");
        _limits.Charge(address);
        return EnterAsync(http, null, load);
    }

    /// <summary>Admits a request with a valid key and stores the caller in the request's scope.</summary>
    /// <param name="changes">Whether it changes or spends anything: then a viewer's key is refused.</param>
    /// <param name="operatorsOnly">Whether an account's key is refused.</param>
    /// <returns>Dispose it when the request ends.</returns>
    /// <exception cref="ApiException">
    /// The key is missing, wrong, revoked or has no permission; or a limit is reached.
    /// </exception>
    public async ValueTask<RequestLease> AdmitAsync(
        HttpContext http,
        RequestLoad load,
        bool changes,
        bool operatorsOnly = false
    )
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
            var refused = ApiError.Of(verdict.Failure!);
            metrics.KeyRefused(refused.Reason);
            throw new ApiException(refused);
        }

        scope.Caller = caller;
        _limits.CountAgainstRate(scope, caller, header);
        if (operatorsOnly && !caller.IsOperator)
        {
            throw new ApiException(ApiError.OperatorsOnly());
        }

        if (changes && !caller.MayChange)
        {
            throw new ApiException(ApiError.ViewersKey(caller.KeyId));
        }

        return await EnterAsync(http, caller, load);
    }

    /// <summary>Admits a request of a session, whose key was verified at sign-in.</summary>
    /// <param name="caller">The session's caller; the session code rechecks its key.</param>
    /// <returns>Dispose it when the request ends.</returns>
    /// <exception cref="ApiException">A limit is reached.</exception>
    public ValueTask<RequestLease> AdmitKnownAsync(HttpContext http, Caller caller, RequestLoad load)
    {
        http.Scope().Caller = caller;
        return EnterAsync(http, caller, load);
    }

    public void Dispose() => _limits.Dispose();

    private async ValueTask<RequestLease> EnterAsync(HttpContext http, Caller? caller, RequestLoad load)
    {
        var admitted = await _limits.EnterAsync(caller, load, http.RequestAborted);
        http.Scope().Memory = admitted.Memory;
        return admitted;
    }
}
