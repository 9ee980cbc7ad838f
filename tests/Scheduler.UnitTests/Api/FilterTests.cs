using FsCheck.Xunit;
using Scheduler.Api.Instances;
using Scheduler.Api.Pipeline;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Instances;
using Scheduler.Edge;
using Xunit;

namespace Scheduler.UnitTests.Api;

public sealed class FilterTests
{
    [Fact]
    public void Every_filter_field_is_parsed()
    {
        var faults = new Faults();
        var query = InstanceFilter.Parse(
            """state = "RUNNING" AND failure_code="OOM_KILLED" AND provider = "p" AND region = "eu" AND gpu_type = "L40S" AND serving_name = "s" AND text = "t\"\\" """,
            faults
        );
        Assert.True(faults.None);
        Assert.Equal([InstanceState.Running], query.States);
        Assert.Equal(FailureCode.OomKilled, query.Code);
        Assert.Equal(
            ("p", "eu", "L40S", "s", "t\"\\"),
            (query.Provider, query.Region, query.GpuType, query.ServingName, query.Text)
        );
    }

    [Theory]
    [InlineData("state")]
    [InlineData("state = RUNNING")]
    [InlineData("state = \"RUNNING")]
    [InlineData("state = \"RUNNING\" OR text = \"x\"")]
    [InlineData("state = \"RUNNING\" AND")]
    [InlineData("state = \"WALKING\"")]
    [InlineData("failure_code = \"NONE\"")]
    [InlineData("bogus = \"x\"")]
    [InlineData("text = \"\"")]
    [InlineData("text = \"a\\n\"")]
    [InlineData("text = \"x\" AND text = \"y\"")]
    public void An_invalid_filter_is_refused(string text)
    {
        var faults = new Faults();
        InstanceFilter.Parse(text, faults);
        Assert.Equal(["filter"], faults.All.Select(f => f.Field));
    }

    [Fact]
    public void All_errors_of_a_filter_are_reported_at_once()
    {
        var faults = new Faults();
        InstanceFilter.Parse("bogus = \"x\" AND state = \"WALKING\" AND failure_code = \"X\"", faults);
        var description = Assert.Single(faults.All).Description;
        Assert.Contains("bogus", description);
        Assert.Contains("unknown state", description);
        Assert.Contains("failure_code", description);
    }

    [Property]
    public bool A_quoted_value_parses_to_itself(string value)
    {
        if (value is null || value.Length is 0 or > 128)
        {
            return true;
        }

        var faults = new Faults();
        var query = InstanceFilter.Parse($"text = {InstanceFilter.Quote(value)}", faults);
        return value.Length > 100 || (faults.None && string.Equals(query.Text, value, StringComparison.Ordinal));
    }

    [Property]
    public bool The_parser_throws_on_no_text(string text)
    {
        InstanceFilter.Parse(text ?? "", new Faults());
        return true;
    }

    [Property]
    public bool A_page_token_restores_its_cursor_only_for_its_own_query(string query, string other, uint number)
    {
        var token = Paging.Next(query ?? "", number);
        var faults = new Faults();
        faults.CheckPage(0, token, other ?? "", Paging.IsNumber);
        return Paging.NumberOf(token, query ?? "", 0) == number
            && faults.None == (string.Equals(query ?? "", other ?? "", StringComparison.Ordinal));
    }
}
