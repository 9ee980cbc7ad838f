using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Scheduler.Dashboard.Requests;
using Scheduler.Domain.Failures;

namespace Scheduler.Dashboard.Shell;

/// <summary>Search field at the top of every page: redirects from a pasted id or name to its page.</summary>
internal static partial class Finding
{
    public static IEndpointConventionBuilder MapFind(this IEndpointRouteBuilder pages) =>
        pages.MapGet("/find", (string? q, string? @as) => Results.Redirect(PathOf(q, isRequest: @as == "request")));

    /// <summary>
    /// Path for a text. Only the form of the text decides; the target page checks existence and access.
    /// </summary>
    /// <param name="isRequest">True treats any text as a request id, also without the prefix <c>req-</c>.</param>
    public static string PathOf(string? text, bool isRequest = false)
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

        return InstanceId().IsMatch(sought) ? $"{DashboardSetup.Root}/instances/{sought}"
            : BalancerId().IsMatch(sought) ? $"{DashboardSetup.Root}/balancers/{sought}"
            : AccountId().IsMatch(sought) ? $"{DashboardSetup.Root}/accounts/{sought}"
            : $"{DashboardSetup.Root}/instances?q={Uri.EscapeDataString(sought)}";
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

    [GeneratedRegex(@"^i-[a-z2-7]{20}\z", RegexOptions.None, 1000)]
    private static partial Regex InstanceId();

    [GeneratedRegex(@"^bal-[a-z2-7]{20}\z", RegexOptions.None, 1000)]
    private static partial Regex BalancerId();

    [GeneratedRegex(@"^acct-[a-z0-9-]{1,40}\z", RegexOptions.None, 1000)]
    private static partial Regex AccountId();

    [GeneratedRegex(@"^""?(?:x-request-id|request_?id)""?\s*[:=]\s*", RegexOptions.IgnoreCase, 1000)]
    private static partial Regex Header();

    [GeneratedRegex(
        @"^(?:accounts/[a-z0-9-]+/)?(?:instances|balancers|accounts|requests|failures)/(?<id>[A-Za-z0-9_.-]+)\z",
        RegexOptions.ExplicitCapture,
        1000
    )]
    private static partial Regex ResourceName();
}
