using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Keys;
using Scheduler.Domain.Schedules;
using Scheduler.Grains;
using Xunit;

namespace Scheduler.UnitTests.Api;

public sealed class ScheduleTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    private const string Morning =
        """{"scheduleId":"morning","action":"SCHEDULE_ACTION_START","cron":" 0  8 * * MON-FRI ","timeZone":"Europe/Berlin"}""";

    [Fact]
    public async Task A_schedule_can_be_created_read_updated_and_deleted()
    {
        var instance = await InstanceAsync("whole");
        var made = await api.SendAsync("POST", $"{instance}/schedules", api.KeyOfA, Morning);
        Assert.Equal(200, made.Status);
        Assert.Equal($"{instance["/v1/".Length..]}/schedules/morning", made.Json.GetProperty("name").GetString());
        Assert.Equal("0 8 * * MON-FRI", made.Json.GetProperty("cron").GetString());
        Assert.True(made.Json.GetProperty("enabled").GetBoolean());
        Assert.Equal("2026-03-01T07:00:00Z", made.Json.GetProperty("nextRunTime").GetString());
        Assert.Equal(2, made.Json.GetProperty("nextRunTimes").GetArrayLength());

        var again = await api.SendAsync("POST", $"{instance}/schedules", api.KeyOfA, Morning);
        Assert.Equal((200, made.Text), (again.Status, again.Text));
        var other = await api.SendAsync("POST", $"{instance}/schedules", api.KeyOfA, Morning.Replace("0  8", "0 9"));
        Assert.Equal((409, "ALREADY_EXISTS"), (other.Status, other.Reason));

        var path = $"{instance}/schedules/morning";
        var changed = await api.SendAsync("PATCH", path, api.KeyOfA, """{"enabled":false}""");
        Assert.False(changed.Json.GetProperty("enabled").GetBoolean());
        Assert.Equal("0 8 * * MON-FRI", changed.Json.GetProperty("cron").GetString());
        Assert.False(
            changed.Json.TryGetProperty("nextRunTime", out var next)
                && next.ValueKind == System.Text.Json.JsonValueKind.String
        );
        changed = await api.SendAsync(
            "PATCH",
            path,
            api.KeyOfA,
            """{"description":"coffee","cron":"5 8 * * *","updateMask":"description"}"""
        );
        Assert.Equal("coffee", changed.Json.GetProperty("description").GetString());
        Assert.Equal("0 8 * * MON-FRI", changed.Json.GetProperty("cron").GetString());

        Assert.Equal(200, (await api.SendAsync("GET", path, api.KeyOfA)).Status);
        Assert.Equal(200, (await api.SendAsync("DELETE", path, api.KeyOfA)).Status);
        Assert.Equal(404, (await api.SendAsync("GET", path, api.KeyOfA)).Status);
        Assert.Equal(404, (await api.SendAsync("DELETE", path, api.KeyOfA)).Status);
    }

    [Fact]
    public async Task Schedules_are_listed_in_pages()
    {
        var instance = await InstanceAsync("pages");
        foreach (var id in new[] { "c", "a", "b" })
        {
            await api.SendAsync(
                "POST",
                $"{instance}/schedules",
                api.KeyOfA,
                Morning.Replace("\"morning\"", $"\"{id}\"")
            );
        }

        var first = await api.SendAsync("GET", $"{instance}/schedules?pageSize=2", api.KeyOfA);
        var token = first.Json.GetProperty("nextPageToken").GetString();
        var second = await api.SendAsync("GET", $"{instance}/schedules?pageSize=2&pageToken={token}", api.KeyOfA);
        Assert.Equal(["a", "b"], Ids(first));
        Assert.Equal(["c"], Ids(second));
        Assert.Equal("", second.Json.GetProperty("nextPageToken").GetString());
    }

    [Fact]
    public async Task All_errors_of_a_schedule_are_reported_with_the_accepted_values()
    {
        var instance = await InstanceAsync("wrong");
        var answer = await api.SendAsync(
            "POST",
            $"{instance}/schedules",
            api.KeyOfA,
            """{"scheduleId":"Morning!","cron":"60 8 L * *","timeZone":"Mars/Base","bogus":1}"""
        );
        Assert.Equal((400, "INVALID_REQUEST"), (answer.Status, answer.Reason));
        Assert.Equal(
            ["action", "bogus", "cron", "schedule_id", "time_zone"],
            answer.Fields.Order(StringComparer.Ordinal)
        );
        Assert.Contains(
            "'Mars/Base' is not known; accepted is a name of the IANA",
            answer.Text,
            StringComparison.Ordinal
        );
        Assert.Contains("The minute '60' is not accepted", answer.Text, StringComparison.Ordinal);
        Assert.Contains("The day of month 'L' is not accepted", answer.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{}""", "update_mask")]
    [InlineData("""{"cron":"* * * *"}""", "cron")]
    [InlineData("""{"timeZone":"europe/berlin"}""", "time_zone")]
    [InlineData("""{"updateMask":"action"}""", "action")]
    [InlineData("""{"updateMask":"nextRunTime"}""", "update_mask")]
    [InlineData("""{"enabled":true,"ifGeneration":0}""", "if_generation")]
    public async Task An_invalid_update_is_refused_and_names_the_field(string body, string field)
    {
        var instance = await InstanceAsync("change");
        var answer = await api.SendAsync("PATCH", $"{instance}/schedules/morning", api.KeyOfA, body);
        Assert.Equal((400, "INVALID_REQUEST"), (answer.Status, answer.Reason));
        Assert.Equal([field], answer.Fields);
    }

    [Fact]
    public async Task INV_08_schedules_of_another_account_are_not_found()
    {
        var instance = await InstanceAsync("tenants");
        await api.SendAsync("POST", $"{instance}/schedules", api.KeyOfA, Morning);
        foreach (
            var (verb, path, body) in new[]
            {
                ("GET", $"{instance}/schedules/morning", null),
                ("GET", $"{instance}/schedules", null),
                ("POST", $"{instance}/schedules", Morning),
                ("PATCH", $"{instance}/schedules/morning", """{"enabled":false}"""),
                ("DELETE", $"{instance}/schedules/morning", null),
                ("GET", $"{instance}/schedules/morning/events", (string?)null),
            }
        )
        {
            foreach (var foreign in new[] { path, path.Replace("acct-a", "acct-b") })
            {
                Assert.Equal((404, "NOT_FOUND"), Of(await api.SendAsync(verb, foreign, api.KeyOfB, body)));
            }
        }

        Assert.Equal(200, (await api.SendAsync("GET", $"{instance}/schedules/morning", api.KeyOfA)).Status);
    }

    [Fact]
    public async Task The_last_run_is_shown_with_its_failure_and_hint()
    {
        var instance = await InstanceAsync("lastrun");
        await api.SendAsync("POST", $"{instance}/schedules", api.KeyOfA, Morning);
        var at = new DateTimeOffset(2026, 3, 29, 1, 0, 0, TimeSpan.Zero);
        var failure = FailureCatalogue.Describe(new MissingTokenFacts());
        var id = new InstanceId(instance.Split('/')[^1]);
        var fake = (FakeSchedules)api.Cluster.Schedules(id);
        fake.SetLastRun(
            "morning",
            new ScheduleRun
            {
                Due = new Occurrence(new DateTime(2026, 3, 29, 2, 30, 0), at),
                At = at.AddSeconds(1),
                Action = ScheduleAction.Start,
                Outcome = RunOutcome.Refused,
                Reason = failure.Message,
                Failure = failure,
                RequestId = new RequestId("req-x"),
            }
        );
        var shown = (await api.SendAsync("GET", $"{instance}/schedules/morning", api.KeyOfA)).Json.GetProperty(
            "lastRun"
        );
        Assert.Equal("RUN_RESULT_REFUSED", shown.GetProperty("result").GetString());
        Assert.Equal("2026-03-29T02:30", shown.GetProperty("dueLocalTime").GetString());
        Assert.Equal("2026-03-29T01:00:00Z", shown.GetProperty("dueTime").GetString());
        Assert.Equal(failure.Code.WireName(), shown.GetProperty("failure").GetProperty("code").GetString());
        Assert.Equal(failure.Hint, shown.GetProperty("failure").GetProperty("hint").GetString());
        Assert.Equal("req-x", shown.GetProperty("requestId").GetString());
    }

    private static (int, string) Of(HttpAnswer answer) => (answer.Status, answer.Reason);

    private static IEnumerable<string> Ids(HttpAnswer answer) =>
        answer
            .Json.GetProperty("schedules")
            .EnumerateArray()
            .Select(s => s.GetProperty("name").GetString()!.Split('/')[^1]);

    private async Task<string> InstanceAsync(string name)
    {
        var body = "{\"servingName\":\"" + name + "\",\"spec\":{\"model\":\"a\"},\"requestId\":\"" + name + "\"}";
        var made = await api.SendAsync("POST", "/v1/accounts/acct-a/instances", api.KeyOfA, body);
        return "/v1/" + made.Json.GetProperty("name").GetString();
    }
}
