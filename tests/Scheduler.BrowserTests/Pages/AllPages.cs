using Xunit;

namespace Scheduler.BrowserTests.Pages;

/// <summary>Every page of the dashboard with data, as an operator sees it, by the name of its screenshots.</summary>
internal static class AllPages
{
    private static readonly Dictionary<string, Func<DashboardScheduler, string>> Fixed = new()
    {
        ["fleet"] = _ => "/dashboard",
        ["instances"] = _ => "/dashboard/instances",
        ["instances-none"] = _ => "/dashboard/instances?q=nothing-is-called-so",
        ["instance-running"] = at => PathOf(at.Running),
        ["instance-failed"] = at => PathOf(at.Failed["OOM_KILLED"]),
        ["instance-stopped"] = at => PathOf(at.Stopped),
        ["launch"] = _ => "/dashboard/launch",
        ["launch-filled"] = at => $"/dashboard/launch?like={IdOf(at.Failed["SMART_NO_MATCH"])}",
        ["providers"] = _ => "/dashboard/providers",
        ["provider"] = _ => "/dashboard/providers/sim-verda",
        ["hosts"] = _ => "/dashboard/hosts",
        ["offers"] = _ => "/dashboard/offers",
        ["accounts"] = _ => "/dashboard/accounts",
        ["account"] = at => $"/dashboard/{at.Account}",
        ["balancers"] = _ => "/dashboard/balancers",
        ["balancer"] = at => $"/dashboard/balancers/{IdOf(at.Balancer)}",
        ["firewalls"] = at => $"/dashboard/firewalls?account={IdOf(at.Account)}",
        ["firewalls-of-whom"] = _ => "/dashboard/firewalls",
        ["firewall"] = at => $"/dashboard/firewalls/{IdOf(at.Account)}/{IdOf(at.Firewall)}",
        ["rules"] = at => $"/dashboard/firewalls/rules?account={IdOf(at.Account)}",
        ["models"] = _ => "/dashboard/models",
        ["search"] = _ => "/dashboard/search?q=a10",
        ["requests"] = _ => "/dashboard/requests",
        ["request-unknown"] = _ => "/dashboard/requests/req-of-nothing",
        ["failures"] = _ => "/dashboard/failures",
        ["failure"] = _ => "/dashboard/failures/OOM_KILLED",
        ["failure-of-requests"] = _ => "/dashboard/failures/RATE_LIMITED",
    };

    public static TheoryData<string> Names => [.. Fixed.Keys, "request"];

    public static async Task<string> PathAsync(string name, DashboardScheduler at)
    {
        if (Fixed.TryGetValue(name, out var path))
        {
            return path(at);
        }

        var failed = await new OperatorApi(at.Process).InstanceAsync(at.Failed["OOM_KILLED"]);
        return $"/dashboard/requests/{failed.Failure.RequestId}";
    }

    private static string PathOf(string instance) => $"/dashboard/instances/{IdOf(instance)}";

    private static string IdOf(string name) => name[(name.LastIndexOf('/') + 1)..];
}
