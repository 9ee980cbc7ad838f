using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Hosting;
using Scheduler.Dashboard.SignIn;
using Scheduler.Grains.Keys;

namespace Scheduler.Dashboard.Live;

/// <summary>
/// Server-sent events for an open page: <c>event: new</c> after a write, so that the browser reloads the page. The
/// event carries no data, so it leaks nothing; the page itself checks the access scope. The stream ends with the
/// session.
/// </summary>
internal static class LiveEndpoint
{
    private static readonly TimeSpan Recheck = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan KeepAliveEvery = TimeSpan.FromSeconds(15);

    public static IEndpointConventionBuilder MapLive(this IEndpointRouteBuilder pages) =>
        pages.MapGet("/live", RunAsync).WithMetadata(StaysOpen.Mark);

    private static async Task RunAsync(
        HttpContext http,
        Pulse pulse,
        KeyAuthority authority,
        TimeProvider clock,
        IHostApplicationLifetime lifetime
    )
    {
        http.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        http.Response.ContentType = "text/event-stream";
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(
            http.RequestAborted,
            lifetime.ApplicationStopping
        );
        await using var beats = pulse.BeatsAsync(ends.Token).GetAsyncEnumerator(ends.Token);
        var next = beats.MoveNextAsync().AsTask();
        var spoke = clock.GetTimestamp();
        try
        {
            // Also this: a page may open a stream while the process stops.
            await SendAsync(http, ": hello\n\n", ends.Token);
            while (true)
            {
                if (await Task.WhenAny(next, Task.Delay(Recheck, clock, ends.Token)) == next)
                {
                    if (!await next)
                    {
                        return;
                    }

                    await SendAsync(http, "event: new\ndata:\n\n", ends.Token);
                    (next, spoke) = (beats.MoveNextAsync().AsTask(), clock.GetTimestamp());
                }

                ends.Token.ThrowIfCancellationRequested();
                if (!await Session.IsOpenAsync(http.User, authority))
                {
                    await SendAsync(http, "event: over\ndata:\n\n", ends.Token);
                    return;
                }

                if (clock.GetElapsedTime(spoke) >= KeepAliveEvery)
                {
                    await SendAsync(http, ": still here\n\n", ends.Token);
                    spoke = clock.GetTimestamp();
                }
            }
        }
        catch (OperationCanceledException) when (ends.IsCancellationRequested)
        {
            // The page was closed, or this process stops; the browser reconnects, to this process or another.
        }
        finally
        {
            await ends.CancelAsync();
            await next.ContinueWith(_ => { }, TaskScheduler.Default);
        }
    }

    private static async Task SendAsync(HttpContext http, string text, CancellationToken cancellationToken)
    {
        await http.Response.WriteAsync(text, cancellationToken);
        await http.Response.Body.FlushAsync(cancellationToken);
    }
}
