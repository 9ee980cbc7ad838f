using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Scheduler.Domain.Ids;
using Scheduler.Edge;
using Scheduler.Grains;
using Scheduler.Grains.Keys;

namespace Scheduler.Dashboard.Shell;

/// <summary>One submitted form, with its request id and the session's caller.</summary>
internal sealed class PageAction(HttpContext http, IFormCollection form)
{
    public HttpContext Http => http;

    public Caller Caller { get; } =
        http.Scope().Caller ?? throw new InvalidOperationException("An action without a session.");

    public IGrainFactory Grains { get; } = http.RequestServices.GetRequiredService<IGrainFactory>();

    /// <summary>Page to show after a refusal; null for the page of the form.</summary>
    public string? Back { get; set; }

    /// <summary>Text of a field, untrimmed; null if it was not sent.</summary>
    public string? Sent(string field) => form.TryGetValue(field, out var text) ? text.ToString() : null;

    /// <summary>Text of a field, trimmed; empty if it was not sent.</summary>
    public string Text(string field) => form[field].ToString().Trim();

    public bool Is(string field) => form[field].ToString() is "on" or "true";

    public string Route(string name) => http.Request.RouteValues[name]?.ToString() ?? "";

    /// <summary>Returns the value of an answer.</summary>
    /// <param name="what">Name for the error, as in the URL.</param>
    /// <exception cref="ApiException">The answer is a refusal; the next page shows it.</exception>
    public Task<T> DoAsync<T>(Task<Answer<T>> asked, string what)
        where T : class => asked.OrThrow(what, http.RequestAborted);

    /// <summary>Context of a command on a resource of an account; null for a resource of the operator.</summary>
    /// <exception cref="ApiException">The resource belongs to another account; the error is the same "not found" as
    /// for a missing one (INV-08).</exception>
    public CommandContext Command(AccountId? account, string what)
    {
        if (account is { } owner ? !Caller.MayActFor(owner) : !Caller.IsOperator)
        {
            throw new ApiException(account is null ? ApiError.OperatorsOnly() : ApiError.NotFound(what));
        }

        return new CommandContext(
            http.Scope().Id,
            Caller.Actor,
            account,
            form["request_id"].ToString() is { Length: > 0 } id ? id : null
        );
    }

    /// <summary>Context of a command that only operators may run.</summary>
    /// <exception cref="ApiException">The session belongs to an account.</exception>
    public CommandContext OperatorCommand() => Command(null, "");
}
