using System.Net.Http.Headers;
using System.Reflection;
using System.Text;
using Microsoft.AspNetCore.Components;
using Scheduler.Dashboard;
using Xunit;

namespace Scheduler.UnitTests.Dashboard.Shell;

/// <summary>Every malformed request gets a page with its request id and never a server error.</summary>
public sealed class MalformedRequestTests(DashboardFixture dashboard) : IClassFixture<DashboardFixture>
{
    private static readonly string[] Nonsense =
    [
        "",
        "x",
        "-1",
        "0",
        "1.5",
        "99999999999999999999",
        "9223372036854775807",
        "%00",
        "%F0%9F%9A%A2",
        "%ff",
        "%",
        "~~~",
        "a&{0}=b",
        "%3Cscript%3E",
        "%0D%0AX-Evil:1",
        "../../x",
    ];

    [Fact]
    public async Task Invalid_query_values_cause_no_server_error()
    {
        using var browser = await dashboard.OpenAsync(dashboard.KeyOfB);
        using var operators = await dashboard.OpenAsync(dashboard.Operator);
        var broken = new List<string>();
        foreach (var (template, name) in Parameters())
        {
            foreach (var text in Nonsense)
            {
                var value = text.Replace("{0}", name, StringComparison.Ordinal);
                foreach (var one in new[] { browser, operators })
                {
                    var answer = await one.GetAsync($"{dashboard.OfB.PathOf(template)}?{name}={value}");
                    if (answer.Status >= 500 || answer.RequestId.Length == 0)
                    {
                        broken.Add($"{template}?{name}={value}: {answer.Status}");
                    }

                    Assert.DoesNotContain("<script>", answer.Text);
                    Assert.False(answer.Headers.ContainsKey("X-Evil"));
                }
            }
        }

        Assert.True(broken.Count == 0, string.Join('\n', broken));
    }

    [Fact]
    public async Task Invalid_paths_cause_no_server_error()
    {
        using var browser = await dashboard.OpenAsync(dashboard.KeyOfB);
        var broken = new List<string>();
        foreach (var page in dashboard.Pages.Where(page => !page.IsAction && page.Template.Contains('{')))
        {
            foreach (var text in Nonsense.Where(text => text.Length > 0))
            {
                var path = page.Template;
                while (path.IndexOf('{', StringComparison.Ordinal) is >= 0 and var at)
                {
                    path =
                        path[..at]
                        + text.Replace("{0}", "x", StringComparison.Ordinal)
                        + path[(path.IndexOf('}', at) + 1)..];
                }

                var answer = await browser.GetAsync(path);
                // Kestrel itself refuses these paths, so they have no request id.
                var isNone = answer.Status == 400 && text is "%00" or "%";
                if (answer.Status >= 500 || (answer.RequestId.Length == 0 && !isNone))
                {
                    broken.Add($"{path}: {answer.Status}");
                }
            }
        }

        Assert.True(broken.Count == 0, string.Join('\n', broken));
    }

    [Fact]
    public async Task Invalid_form_values_cause_no_server_error()
    {
        using var browser = await dashboard.OpenAsync(dashboard.Operator);
        var token = await browser.TokenAsync();
        var broken = new List<string>();
        foreach (var action in dashboard.Pages.Where(page => page.IsAction && !page.Template.EndsWith("/sign-out")))
        {
            foreach (
                var text in new[]
                {
                    "",
                    "x",
                    "-1",
                    "99999999999999999999",
                    "9999999999999999",
                    "\0",
                    "a\r\nb",
                    "⛵",
                    new string('9', 5000),
                }
            )
            {
                var fields = dashboard.OfB.Fields.Select(field => (field.Name, text)).Append(("return", text));
                var answer = await browser.PostWithAsync(token, dashboard.OfB.PathOf(action.Template), [.. fields]);
                if (answer.Status >= 500 || answer.RequestId.Length == 0)
                {
                    broken.Add($"{action} with {text[..Math.Min(20, text.Length)]}: {answer.Status}");
                }
            }
        }

        Assert.True(broken.Count == 0, string.Join('\n', broken));
    }

    [Theory]
    [InlineData("application/x-www-form-urlencoded", 300_000, 413)]
    [InlineData("multipart/form-data", 10, 400)]
    [InlineData("multipart/form-data; boundary=x", 10, 400)]
    [InlineData("application/json", 10, 400)]
    [InlineData("text/plain", 10, 400)]
    public async Task An_unsupported_or_too_long_body_is_refused_with_a_page(string type, int length, int status)
    {
        using var browser = await dashboard.OpenAsync(dashboard.KeyOfB);
        foreach (var path in new[] { "/dashboard/session", "/dashboard/launch/explain", "/dashboard/start-named" })
        {
            using var content = new ByteArrayContent(Encoding.ASCII.GetBytes("a=" + new string('b', length)));
            content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
            var answer = await browser.PostAsync(path, content);
            Assert.True(answer.Status == status, $"{path}: {answer.Status} {answer.Text}");
            Assert.StartsWith("text/html", answer.Headers["Content-Type"]);
            Assert.Contains(answer.RequestId, answer.Text);
        }
    }

    [Fact]
    public async Task A_form_with_too_many_fields_is_refused_with_a_page()
    {
        using var browser = await dashboard.OpenAsync(dashboard.KeyOfB);
        var fields = Enumerable.Range(0, 2000).Select(i => ($"f{i}", "x"));
        var answer = await browser.PostWithAsync("x", "/dashboard/start-named", [.. fields]);
        Assert.Equal(400, answer.Status);
        Assert.Contains(answer.RequestId, answer.Text);
    }

    [Theory]
    [InlineData("/DASHBOARD")]
    [InlineData("/Dashboard/requests")]
    [InlineData("/dashboard/REQUESTS")]
    public async Task Paths_are_case_insensitive(string path)
    {
        using var anyone = dashboard.Open();
        var refused = await anyone.GetAsync(path);
        Assert.Equal(302, refused.Status);
        Assert.True(refused.Headers.ContainsKey("Content-Security-Policy"));
        using var browser = await dashboard.OpenAsync(dashboard.KeyOfB);
        Assert.True((await browser.GetAsync(path)).Status is 200 or 302);
    }

    [Fact]
    public async Task An_unreachable_key_grain_gives_a_503_page_and_keeps_the_session()
    {
        using var browser = await dashboard.OpenAsync(await dashboard.KeyAsync(new("acct-b")));
        dashboard.Clock.Advance(TimeSpan.FromSeconds(2));
        dashboard.Cluster.OnKey = () => throw new TimeoutException("secret detail");
        var answer = await browser.GetAsync(Browser.PlainPage);
        dashboard.Cluster.OnKey = null;

        Assert.Equal(503, answer.Status);
        Assert.Matches("^req-[a-z2-7]{26}$", answer.RequestId);
        Assert.Contains(answer.RequestId, answer.Text);
        Assert.Contains("default-src 'none'", answer.Headers["Content-Security-Policy"]);
        Assert.DoesNotContain("secret", answer.Text);

        // The session is still valid.
        Assert.Equal(200, (await browser.GetAsync(Browser.PlainPage)).Status);
    }

    /// <summary>All query parameters of all pages.</summary>
    private static IEnumerable<(string Template, string Name)> Parameters() =>
        from page in typeof(DashboardSetup).Assembly.GetTypes()
        from route in page.GetCustomAttributes<RouteAttribute>()
        from property in page.GetProperties(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)
        let query = property.GetCustomAttribute<SupplyParameterFromQueryAttribute>()
        where query is not null
        select (route.Template, (query.Name ?? property.Name).ToLowerInvariant());
}
