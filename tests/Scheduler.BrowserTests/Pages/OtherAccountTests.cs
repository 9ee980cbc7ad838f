using System.Globalization;
using Microsoft.Playwright;
using Scheduler.Api.V1;
using Xunit;

namespace Scheduler.BrowserTests.Pages;

/// <summary>
/// INV-08 in a real browser: a page of another account reads exactly like a page that does not exist, and no form
/// changes it. The tests in UnitTests/Dashboard/Shell cover every page and action.
/// </summary>
[Collection(DashboardGroup.Name)]
public sealed class OtherAccountTests(Browser browser, DashboardScheduler scheduler) : DashboardTest(browser, scheduler)
{
    private const string NoInstance = "i-aaaaaaaaaaaaaaaaaaaa";
    private const string NoAccount = "acct-nobody";

    [Fact]
    public async Task An_instance_of_another_account_reads_as_not_found()
    {
        const string page = "instances/INSTANCE";
        var (theirs, guard) = await OpenAsync(Scheduler.OtherKey, "/dashboard/requests");
        guard.Expect("^console: .* 404");

        var seen = await theirs.GotoAsync($"/dashboard/{await OfTheirsAsync(page)}");
        var real = await theirs.Locator("body").TextContentAsync();
        var missing = await theirs.GotoAsync($"/dashboard/{Replaced(page, Nothing)}");
        var absent = await theirs.Locator("body").TextContentAsync();

        Assert.Equal((404, 404), (seen!.Status, missing!.Status));
        Assert.Equal(await WithoutNamesAsync(absent!), await WithoutNamesAsync(real!));
    }

    [Fact]
    public async Task A_list_shows_nothing_of_another_account()
    {
        const string list = "instances?q=INSTANCE";
        var (theirs, _) = await OpenAsync(Scheduler.OtherKey, $"/dashboard/{await OfTheirsAsync(list)}");
        var real = await theirs.Content().TextContentAsync();
        var source = await theirs.Content().InnerHTMLAsync();
        await theirs.GotoAsync($"/dashboard/{Replaced(list, Nothing)}");
        var absent = await theirs.Content().TextContentAsync();

        Assert.Equal(await WithoutNamesAsync(absent!), await WithoutNamesAsync(real!));
        Assert.DoesNotContain($"href=\"{PathOf(Scheduler.Failed["OOM_KILLED"])}", source);
        Assert.DoesNotContain($"/dashboard/{Scheduler.Account}", source);
    }

    [Fact]
    public async Task An_instance_of_another_account_cannot_be_stopped()
    {
        const string action = "instances/INSTANCE/stop";
        var before = await StandAsync();
        var (theirs, _) = await OpenAsync(Scheduler.OtherKey, "/dashboard/requests");

        var real = await RefusedAsync(
            theirs,
            await OfTheirsAsync(action),
            await OfTheirsAsync(Fields),
            await OfTheirsAsync("ACCOUNT")
        );
        var absent = await RefusedAsync(theirs, Replaced(action, Nothing), Replaced(Fields, Nothing), NoAccount);

        Assert.Equal(await WithoutNamesAsync(absent), await WithoutNamesAsync(real));
        Assert.Equal(before, await StandAsync());
    }

    [Fact]
    public async Task An_operator_action_is_refused_to_an_account()
    {
        const string action = "accounts/create";
        var before = await Api.AccountAsync(Scheduler.OtherAccount);
        var (theirs, _) = await OpenAsync(Scheduler.OtherKey, "/dashboard/requests");

        var told = await RefusedAsync(theirs, action, await OfTheirsAsync(Fields), "acct-new");

        Assert.Contains("PERMISSION_DENIED", told);
        var after = await Api.AccountAsync(Scheduler.OtherAccount);
        Assert.Equal(
            (before.BalanceMicroEur, before.Suspended, before.DisplayName, before.Firewall),
            (after.BalanceMicroEur, after.Suspended, after.DisplayName, after.Firewall)
        );
    }

    private const string Fields =
        "generation=1&account=ACCOUNT&instance=INSTANCE&mode=allow&version=1&display_name=Stolen&amount=1&reference=r"
        + "&grace_minutes=1&firewall=FIREWALL&account_id=acct-new&name=stolen&model=Qwen/Qwen2.5-0.5B&start=on&asked=1"
        + "&request_id=ui-abcdefghij&return=/dashboard/requests";

    private static readonly (string Word, string Of)[] Nothing =
    [
        ("INSTANCE", NoInstance),
        ("STOPPED", NoInstance),
        ("ACCOUNT", NoAccount),
        ("BALANCER", "bal-aaaaaaaaaaaaaaaaaaaa"),
        ("FIREWALL", "nothing"),
        ("REQUEST", "req-aaaaaaaaaaaaaaaaaaaa"),
        ("KEY", "key-aaaaaaaaaaaa"),
    ];

    private async Task<(string Word, string Of)[]> TheirsAsync()
    {
        var failed = await Api.InstanceAsync(Scheduler.Failed["OOM_KILLED"]);
        var keys = await Api.Keys.ListKeysAsync(
            new ListKeysRequest { Parent = Scheduler.Account },
            cancellationToken: Ct
        );
        return
        [
            ("INSTANCE", IdOf(failed.Name)),
            ("STOPPED", IdOf(Scheduler.Stopped)),
            ("ACCOUNT", IdOf(Scheduler.Account)),
            ("BALANCER", IdOf(Scheduler.Balancer)),
            ("FIREWALL", IdOf(Scheduler.Firewall)),
            ("REQUEST", failed.Failure.RequestId),
            ("KEY", IdOf(keys.Keys.Single(key => key.DisplayName == "For the tests").Name)),
        ];
    }

    private async Task<string> OfTheirsAsync(string text) => Replaced(text, await TheirsAsync());

    private static string Replaced(string text, (string Word, string Of)[] words) =>
        words.Aggregate(text, (filled, word) => filled.Replace(word.Word, word.Of, StringComparison.Ordinal));

    /// <summary>A text without the names of its subject, both of the other account and of missing objects.</summary>
    private async Task<string> WithoutNamesAsync(string text) =>
        Parts.WithoutPassing(
            (await TheirsAsync())
                .Concat(Nothing)
                .Aggregate(text, (plain, word) => plain.Replace(word.Of, word.Word, StringComparison.Ordinal))
        );

    /// <summary>Sends a form of this session to the address of another account's object.</summary>
    /// <returns>Text of the following page.</returns>
    private static async Task<string> RefusedAsync(IPage page, string action, string fields, string account)
    {
        var form = await page.FormAsync("/sign-out");
        foreach (var field in fields.Split('&'))
        {
            form[field.Split('=')[0]] = field[(field.IndexOf('=', StringComparison.Ordinal) + 1)..];
        }

        form["account_id"] = account;
        await using var answer = await page.PostAsync($"/dashboard/{action}", form);
        Assert.Equal(303, answer.Status);
        await page.GotoAsync(answer.Headers["location"]);
        var notice = page.Locator("main .notices > .notice.bad");
        await Assertions.Expect(notice).ToBeVisibleAsync();
        return (await notice.TextContentAsync())!;
    }

    /// <summary>All data that an action could have changed.</summary>
    private async Task<string> StandAsync()
    {
        var account = await Api.AccountAsync(Scheduler.Account);
        var instances = await Api.InstancesAsync(parent: Scheduler.Account);
        var keys = await Api.Keys.ListKeysAsync(
            new ListKeysRequest { Parent = Scheduler.Account },
            cancellationToken: Ct
        );
        var firewall = await Api.Firewalls.GetFirewallAsync(
            new GetFirewallRequest { Name = Scheduler.Firewall },
            cancellationToken: Ct
        );
        return string.Create(
            CultureInfo.InvariantCulture,
            $"""
            {account.BalanceMicroEur} {account.Suspended} {account.DisplayName} {account.Firewall}
            {string.Join('\n', instances.Select(instance => $"{instance.Name} {instance.State} {instance.Generation}"))}
            {string.Join('\n', keys.Keys.Select(key => $"{key.Name} {key.RevokeTime}"))}
            {firewall.Mode} {firewall.Version}
            """
        );
    }
}
