using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Scheduler.Domain.Ids;
using Scheduler.Edge;
using Scheduler.Grains;
using Scheduler.Grains.Keys;

namespace Scheduler.Dashboard.Shell;

/// <summary>One action of a person: a form that was sent, under one request id, by whoever the session says.</summary>
internal sealed class PageAction(HttpContext http, IFormCollection form)
{
    public HttpContext Http => http;

    public Caller Caller { get; } =
        http.Scope().Caller ?? throw new InvalidOperationException("An action without a session.");

    public IGrainFactory Grains { get; } = http.RequestServices.GetRequiredService<IGrainFactory>();

    /// <summary>The page that follows a refusal; null for the one the form was on.</summary>
    public string? Back { get; set; }

    /// <summary>A field's text as it was sent; null when it was not.</summary>
    public string? Sent(string field) => form.TryGetValue(field, out var text) ? text.ToString() : null;

    /// <summary>A field's text, trimmed; empty when it was not sent.</summary>
    public string Text(string field) => form[field].ToString().Trim();

    /// <summary>Whether a box was ticked.</summary>
    public bool Is(string field) => form[field].ToString() is "on" or "true";

    /// <summary>A part of the path.</summary>
    public string Route(string name) => http.Request.RouteValues[name]?.ToString() ?? "";

    /// <summary>The value of an answer.</summary>
    /// <param name="asked">The command.</param>
    /// <param name="what">What it was about, as the address names it.</param>
    /// <typeparam name="T">What a good answer holds.</typeparam>
    /// <exception cref="DoorException">The answer is a refusal: the page that follows says so.</exception>
    public async Task<T> DoAsync<T>(Task<Answer<T>> asked, string what)
        where T : class
    {
        var answer = await asked.WaitAsync(http.RequestAborted);
        return answer.IsOk ? answer.Value : throw new DoorException(DoorError.Of(answer.Refusal, what));
    }

    /// <summary>Under what a command on something of an account is given.</summary>
    /// <exception cref="DoorException">It is another account's: it reads as if it did not exist (INV-08).</exception>
    public CommandContext Command(AccountId? account, string what)
    {
        if (account is { } owner ? !Caller.MayActFor(owner) : !Caller.IsOperator)
        {
            throw new DoorException(account is null ? DoorError.OperatorsOnly() : DoorError.NotFound(what));
        }

        return new CommandContext(
            http.Scope().Id,
            Caller.Actor,
            account,
            form["request_id"].ToString() is { Length: > 0 } id ? id : null
        );
    }

    /// <summary>Under what a command that only operators may give is given.</summary>
    /// <exception cref="DoorException">It is an account's session.</exception>
    public CommandContext OperatorCommand() => Command(null, "");
}
