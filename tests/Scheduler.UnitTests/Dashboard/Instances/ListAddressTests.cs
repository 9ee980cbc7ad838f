using System.Reflection;
using System.Text;
using System.Text.Json;
using FsCheck.Xunit;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.WebUtilities;
using Scheduler.Dashboard.Instances;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Xunit;

namespace Scheduler.UnitTests.Dashboard.Instances;

public sealed class ListAddressTests
{
    private const int Limit = 50;

    private static readonly InstanceCursor Last = new(new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero), new("i-a"))
    {
        UpdatedAt = new(2026, 3, 2, 12, 0, 0, TimeSpan.Zero),
        ServingName = "chat",
        BurnPerHour = new(1_290_000),
    };

    [Property]
    public void An_address_is_read_back_as_the_same_query(
        string? text,
        string? state,
        string? code,
        string? provider,
        string? region,
        string? gpu,
        string? account,
        string? after
    )
    {
        var view = new ListAddress
        {
            Text = Sendable(text),
            State = Sendable(state),
            Code = Sendable(code),
            Provider = Sendable(provider),
            Region = Sendable(region),
            Gpu = Sendable(gpu),
            Account = Sendable(account),
            After = Sendable(after),
        };
        AssertSame(view, Read(view.ToString()));
    }

    [Fact]
    public void Every_state_code_and_sort_order_is_read_back_from_its_address()
    {
        foreach (var state in Enum.GetValues<InstanceState>())
        {
            var view = new ListAddress { State = state.WireName() };
            Assert.Equal([state], Query(Read(view.ToString())).States);
        }

        foreach (var definition in FailureCatalogue.All)
        {
            var view = new ListAddress { Code = definition.Code.WireName() };
            Assert.Equal(definition.Code, Query(Read(view.ToString())).Code);
        }

        Assert.Equal(
            Enum.GetValues<InstanceSort>(),
            ListAddress.SortWords.Select(word => Query(Read(new ListAddress().By(word).ToString())).Sort).Order()
        );
    }

    [Fact]
    public void The_page_reads_every_parameter_of_the_address() =>
        Assert.Equal(
            ["account", "after", "code", "gpu", "provider", "q", "region", "sort", "state"],
            typeof(InstancesPage)
                .GetProperties(BindingFlags.Instance | BindingFlags.NonPublic)
                .Where(property => property.GetCustomAttribute<SupplyParameterFromQueryAttribute>() is not null)
                .Select(property => property.Name.ToLowerInvariant())
                .Order(StringComparer.Ordinal)
        );

    [Theory]
    [InlineData("Running")]
    [InlineData("4")]
    [InlineData("running,failed")]
    [InlineData("gone")]
    public void An_unknown_state_filters_nothing(string word) =>
        Assert.Empty(Query(new ListAddress { State = word }).States);

    [Theory]
    [InlineData("newest")]
    [InlineData("oldest")]
    [InlineData("recently-changed")]
    [InlineData("name")]
    [InlineData("burn-rate")]
    public void The_next_page_begins_where_this_one_ended(string sort)
    {
        var order = new ListAddress().By(sort);
        var cut = Scheduler.Storage.Instances.InstanceOrder.Cut(order.Order, Last);
        Assert.Equal(cut, Query(Read(order.From(cut).ToString())).After);
    }

    [Property]
    public void A_cursor_is_read_back_unchanged(long created, long? updated, int id, bool isNamed, int? burn)
    {
        var cursor = new InstanceCursor(At(created), new InstanceId($"i-{Math.Abs(id % 1000)}"))
        {
            UpdatedAt = updated is { } ticks ? At(ticks) : null,
            ServingName = isNamed ? $"chat-{Math.Abs(id % 1000)}" : null,
            BurnPerHour = burn is { } price ? new MicroEuro(long.Abs(price)) : null,
        };
        Assert.Equal(cursor, ListAddress.TryRead(ListAddress.Write(cursor)));

        static DateTimeOffset At(long ticks) => new(long.Abs(ticks % DateTimeOffset.MaxValue.Ticks), TimeSpan.Zero);
    }

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("~~~~")]
    [InlineData("1~~~~")]
    [InlineData("1~i-a~2~n")]
    [InlineData("1~i-a~2~n~3~m")]
    [InlineData("-1~i-a~~~")]
    [InlineData("9223372036854775807~i-a~~~")]
    [InlineData("1e3~i-a~~~")]
    [InlineData("２~i-a~~~")]
    public void An_invalid_cursor_shows_the_first_page(string nonsense) =>
        Assert.Null(Query(new ListAddress { After = nonsense }).After);

    [Property]
    public void No_cursor_text_throws(string? text) => Query(new ListAddress { After = text });

    [Theory]
    [InlineData("recently-changed", "1~i-a~~~")]
    [InlineData("recently-changed", "1~i-a~~chat~3")]
    [InlineData("recently-changed", "1~i-a~9223372036854775807~~")]
    [InlineData("name", "1~i-a~~~")]
    [InlineData("name", "1~i-a~2~~3")]
    [InlineData("burn-rate", "1~i-a~2~n~")]
    [InlineData("burn-rate", "1~i-a~2~n~-3")]
    public void A_cursor_of_another_sort_order_shows_the_first_page(string sort, string cursor) =>
        Assert.Null(Query(new ListAddress { Sort = sort, After = cursor }).After);

    [Fact]
    public void A_new_sort_order_starts_at_the_first_page()
    {
        var view = new ListAddress { Text = "a", Sort = "name" }.From(Last);
        Assert.Null(view.By("oldest").After);
        Assert.Null(view.First().After);
        Assert.Equal("/dashboard/instances?q=a&sort=oldest", view.By("oldest").ToString());
        Assert.Equal("/dashboard/instances", new ListAddress().ToString());
    }

    private static InstanceQuery Query(ListAddress view) => view.Query(null, Limit);

    private static void AssertSame(ListAddress expected, ListAddress read)
    {
        Assert.Equal(JsonSerializer.Serialize(Query(expected)), JsonSerializer.Serialize(Query(read)));
        Assert.Equal(expected.IsFiltered, read.IsFiltered);
    }

    /// <summary>Reads an address as the page does.</summary>
    private static ListAddress Read(string address)
    {
        var query = QueryHelpers.ParseQuery(new Uri(new Uri("http://dashboard.example"), address).Query);
        string? Of(string name) => query.TryGetValue(name, out var text) ? text.ToString() : null;
        return new ListAddress
        {
            Text = Of("q"),
            State = Of("state"),
            Code = Of("code"),
            Provider = Of("provider"),
            Region = Of("region"),
            Gpu = Of("gpu"),
            Account = Of("account"),
            Sort = Of("sort"),
            After = Of("after"),
        };
    }

    /// <summary>Replaces unpaired surrogates, because an address cannot contain them.</summary>
    private static string? Sendable(string? text) =>
        text is null ? null : Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
}
