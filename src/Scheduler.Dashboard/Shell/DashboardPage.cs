using System.Globalization;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Http;
using Scheduler.Domain.Ids;
using Scheduler.Edge;
using Scheduler.Grains;
using Scheduler.Grains.Keys;

namespace Scheduler.Dashboard.Shell;

/// <summary>
/// A page: made whole on the server for whoever the session says, and made anew when something changes. It asks grains and shows answers;
/// what it may show is decided by the eyes it asks with (INV-08).
/// </summary>
public abstract class DashboardPage : ComponentBase
{
    /// <summary>The request that the page answers.</summary>
    [CascadingParameter]
    protected HttpContext Http { get; set; } = null!;

    /// <summary>Where everything is asked.</summary>
    [Inject]
    protected IGrainFactory Grains { get; set; } = null!;

    /// <summary>The present.</summary>
    [Inject]
    protected TimeProvider Clock { get; set; } = null!;

    /// <summary>Who looks.</summary>
    protected Caller Caller => Http.Scope().Caller ?? throw new InvalidOperationException("A page without a session.");

    /// <summary>Whose eyes these are; null for an operator's.</summary>
    protected AccountId? Eyes => Caller.Account;

    /// <summary>Whether who looks may also act.</summary>
    protected bool MayChange => Caller.MayChange;

    /// <summary>When the page is made.</summary>
    protected DateTimeOffset Now => Clock.GetUtcNow();

    /// <summary>This page with everything that was asked of it: where a form comes back to.</summary>
    protected string Here => Http.Request.Path + Http.Request.QueryString;

    /// <summary>
    /// Asks for everything the page shows, before any of it is put together: a page is never seen, nor its parts asked, half-filled.
    /// </summary>
    /// <param name="parameters">What the address says.</param>
    public override async Task SetParametersAsync(ParameterView parameters)
    {
        parameters.SetParameterProperties(this);
        await LoadAsync();
        await base.SetParametersAsync(ParameterView.Empty);
    }

    /// <summary>Asks for everything the page shows.</summary>
    protected virtual Task LoadAsync() => Task.CompletedTask;

    /// <summary>The account that a list is of: the session's own, or the one an operator asks for; null for all.</summary>
    /// <param name="asked">As it stands in the address; null or empty for all.</param>
    protected AccountId? ScopeOf(string? asked) => Eyes ?? (string.IsNullOrEmpty(asked) ? null : new AccountId(asked));

    /// <summary>A number that stands in the address; null for none and for what is none.</summary>
    /// <param name="asked">As it stands there.</param>
    protected static long? Number(string? asked) =>
        long.TryParse(asked, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    /// <summary>Sees to it that what belongs to an account may be shown.</summary>
    /// <param name="account">Whose.</param>
    /// <param name="what">As the address names it.</param>
    /// <exception cref="Exception">Not to these eyes: it reads as if it did not exist.</exception>
    protected void MustSee(AccountId account, string what)
    {
        if (!Caller.MayActFor(account))
        {
            throw new DoorException(DoorError.NotFound(what));
        }
    }

    /// <summary>The value of an answer.</summary>
    /// <param name="asked">The question.</param>
    /// <param name="what">What was asked about, as the address names it.</param>
    /// <typeparam name="T">What a good answer holds.</typeparam>
    /// <exception cref="Exception">The answer is a refusal: the page that says so takes this page's place.</exception>
    protected async Task<T> AskAsync<T>(Task<Answer<T>> asked, string what)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(asked);
        var answer = await asked.WaitAsync(Http.RequestAborted);
        return answer.IsOk ? answer.Value : throw new DoorException(DoorError.Of(answer.Refusal, what));
    }
}
