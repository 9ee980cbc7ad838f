using System.Globalization;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Http;
using Scheduler.Domain.Ids;
using Scheduler.Edge;
using Scheduler.Grains;
using Scheduler.Grains.Keys;

namespace Scheduler.Dashboard.Shell;

/// <summary>
/// Base class of pages: rendered whole on the server for the session's caller, and again after a change. A page reads
/// from grains; the access scope passed to them decides what it may show (INV-08).
/// </summary>
public abstract class DashboardPage : ComponentBase
{
    [CascadingParameter]
    protected HttpContext Http { get; set; } = null!;

    [Inject]
    protected IGrainFactory Grains { get; set; } = null!;

    [Inject]
    protected TimeProvider Clock { get; set; } = null!;

    protected Caller Caller => Http.Scope().Caller ?? throw new InvalidOperationException("A page without a session.");

    /// <summary>Access scope: the account of the caller; null for an operator.</summary>
    protected AccountId? AccessScope => Caller.Account;

    protected bool MayChange => Caller.MayChange;

    protected DateTimeOffset Now => Clock.GetUtcNow();

    /// <summary>Path and query of this page, for forms to return to.</summary>
    protected string Here => Http.Request.Path + Http.Request.QueryString;

    /// <summary>
    /// Loads all data before the first render, so that neither the page nor its components render with partial data.
    /// </summary>
    public override async Task SetParametersAsync(ParameterView parameters)
    {
        parameters.SetParameterProperties(this);
        await LoadAsync();
        await base.SetParametersAsync(ParameterView.Empty);
    }

    protected virtual Task LoadAsync() => Task.CompletedTask;

    /// <summary>
    /// Account that a list is restricted to: the session's own, or the one an operator chooses; null for all.
    /// </summary>
    /// <param name="asked">From the query string; null or empty for all.</param>
    protected AccountId? ScopeOf(string? asked) =>
        AccessScope ?? (string.IsNullOrEmpty(asked) ? null : new AccountId(asked));

    /// <summary>Parses a number from the query string; null if missing or malformed.</summary>
    protected static long? Number(string? asked) =>
        long.TryParse(asked, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    /// <summary>Checks that the caller may see resources of an account.</summary>
    /// <param name="what">Name for the error, as in the URL.</param>
    /// <exception cref="Exception">The caller has no access; the error is the same "not found" as for a missing
    /// resource.</exception>
    protected void MustSee(AccountId account, string what)
    {
        if (!Caller.MayActFor(account))
        {
            throw new ApiException(ApiError.NotFound(what));
        }
    }

    /// <summary>Returns the value of an answer.</summary>
    /// <param name="what">Name for the error, as in the URL.</param>
    /// <exception cref="Exception">The answer is a refusal; an error page replaces this page.</exception>
    protected Task<T> AskAsync<T>(Task<Answer<T>> asked, string what)
        where T : class => asked.OrThrow(what, Http.RequestAborted);
}
