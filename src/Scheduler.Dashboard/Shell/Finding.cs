using System.Diagnostics;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Scheduler.Dashboard.Requests;
using Scheduler.Domain.Failures;
using Scheduler.Edge;
using Scheduler.Grains;
using Scheduler.Grains.Queries;

namespace Scheduler.Dashboard.Shell;

/// <summary>Search field at the top of every page: redirects from a pasted id or name to its page.</summary>
internal static partial class Finding
{
    /// <summary>Longest text that is searched; the search field accepts no more.</summary>
    public const int LongestText = 128;

    public static IEndpointConventionBuilder MapFind(this IEndpointRouteBuilder pages) =>
        pages.MapGet("/find", FindAsync);

    /// <summary>Page of a hit.</summary>
    public static string PathOf(SearchHit hit) =>
        hit.Kind switch
        {
            SearchKind.Instance => $"{DashboardSetup.Root}/instances/{hit.Id}",
            SearchKind.Balancer => $"{DashboardSetup.Root}/balancers/{hit.Id}",
            SearchKind.Account => $"{DashboardSetup.Root}/accounts/{hit.Id}",
            SearchKind.Provider => $"{DashboardSetup.Root}/providers/{hit.Id}",
            SearchKind.Region => $"{DashboardSetup.Root}/offers?region={Uri.EscapeDataString(hit.Id)}",
            SearchKind.GpuType => $"{DashboardSetup.Root}/offers?gpu={Uri.EscapeDataString(hit.Id)}",
            SearchKind.Model => $"{DashboardSetup.Root}/models?q={Uri.EscapeDataString(hit.Id)}",
            _ => throw new UnreachableException(),
        };

    /// <summary>Whether a text can be in a name or id at all.</summary>
    public static bool IsSearchable(string text) =>
        text.Length <= LongestText && !string.IsNullOrWhiteSpace(text) && !text.Any(char.IsControl);

    /// <summary>The page of the only exact hit, or of the only hit; else a list.</summary>
    public static string Best(string text, IReadOnlyList<SearchHit> hits)
    {
        var exact = hits.Where(hit => hit.IsExact).ToList();
        return exact.Count == 1 ? PathOf(exact[0])
            : hits.Count == 1 ? PathOf(hits[0])
            : hits.Count > 0 && hits.All(hit => hit.Kind == SearchKind.Instance)
                ? $"{DashboardSetup.Root}/instances?q={Uri.EscapeDataString(text)}"
            : $"{DashboardSetup.Root}/search?q={Uri.EscapeDataString(text)}";
    }

    private static async Task<IResult> FindAsync(HttpContext http, IGrainFactory grains, string? q, string? @as)
    {
        if (PathOf(q, isRequest: @as == "request") is { } path)
        {
            return Results.Redirect(path);
        }

        var text = Bare(q ?? "");
        var scope = http.Scope().Caller!.Account;
        var hits = IsSearchable(text)
            ? await grains.Fleet().SearchAsync(text, scope).WaitAsync(http.RequestAborted)
            : [];
        return Results.Redirect(Best(text, hits));
    }

    /// <summary>
    /// Path for a text whose form decides alone; the target page checks existence and access. Null for other texts,
    /// which must be searched.
    /// </summary>
    /// <param name="isRequest">True treats any text as a request id, also without the prefix <c>req-</c>.</param>
    public static string? PathOf(string? text, bool isRequest = false)
    {
        var sought = Bare(text ?? "");
        if (sought.Length == 0)
        {
            return isRequest ? $"{DashboardSetup.Root}/requests" : $"{DashboardSetup.Root}/instances";
        }

        if (isRequest || (sought.StartsWith("req-", StringComparison.Ordinal) && RequestIds.IsWellFormed(sought)))
        {
            return $"{DashboardSetup.Root}/requests/{Uri.EscapeDataString(sought)}";
        }

        if (FailureCodes.TryParse(sought.ToUpperInvariant(), out var code) && code != FailureCode.None)
        {
            return $"{DashboardSetup.Root}/failures/{code.WireName()}";
        }

        return InstanceId().Match(sought) is { Success: true } instance
                ? $"{DashboardSetup.Root}/instances/{instance.Groups["id"].Value}"
            : BalancerId().IsMatch(sought) ? $"{DashboardSetup.Root}/balancers/{sought}"
            : AccountId().IsMatch(sought) ? $"{DashboardSetup.Root}/accounts/{sought}"
            : null;
    }

    /// <summary>
    /// Removes what is often copied with an id: a header name before it, quotes, the path of a resource name.
    /// </summary>
    private static string Bare(string text)
    {
        var line = text.Trim();
        if (Header().Match(line) is { Success: true } header)
        {
            line = line[header.Length..];
        }

        line = line.Trim(' ', '"', '\'', '`', ',', ';');
        return ResourceName().Match(line) is { Success: true } name ? name.Groups["id"].Value : line;
    }

    // An allocation key consists of the instance's id, the run and the attempt.
    [GeneratedRegex(@"^(?<id>i-[a-z2-7]{20})(?:-r[0-9]+-a[0-9]+)?\z", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex InstanceId();

    [GeneratedRegex(@"^bal-[a-z2-7]{20}\z", RegexOptions.None, 1000)]
    private static partial Regex BalancerId();

    [GeneratedRegex(@"^acct-[a-z0-9-]{1,40}\z", RegexOptions.None, 1000)]
    private static partial Regex AccountId();

    [GeneratedRegex(@"^""?(?:x-request-id|request_?id)""?\s*[:=]\s*", RegexOptions.IgnoreCase, 1000)]
    private static partial Regex Header();

    [GeneratedRegex(
        @"^(?:accounts/[a-z0-9-]+/)?(?:instances|balancers|accounts|providers|requests|failures)/(?<id>[A-Za-z0-9_.-]+)\z",
        RegexOptions.ExplicitCapture,
        1000
    )]
    private static partial Regex ResourceName();
}
