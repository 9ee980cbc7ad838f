using System.Net;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.UnitTests.Dashboard.Live;

public sealed class LiveTests : IAsyncLifetime
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(200);

    private readonly DashboardFixture _dashboard = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => _dashboard.InitializeAsync();

    public ValueTask DisposeAsync() => _dashboard.DisposeAsync();

    [Fact]
    public async Task A_stream_reports_that_something_changed_without_details()
    {
        using var browser = await _dashboard.OpenAsync(_dashboard.KeyOfA);
        using var response = await browser.ListenAsync();
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.ToString());
        using var lines = await LinesAsync(response);
        Assert.Equal(": hello", await lines.ReadLineAsync(Ct));
        Assert.Equal("", await lines.ReadLineAsync(Ct));
        await PolledAsync(1);

        for (var i = 0; i < 3; i++)
        {
            _dashboard.Cluster.Pulse.Beat();
            Assert.Equal("event: new", await NextAsync(lines));
            Assert.Equal("data:", await NextAsync(lines));
            Assert.Equal("", await NextAsync(lines));
        }
    }

    [Fact]
    public async Task A_quiet_stream_sends_a_keep_alive_line()
    {
        using var browser = await _dashboard.OpenAsync(_dashboard.KeyOfA);
        using var response = await browser.ListenAsync();
        using var lines = await LinesAsync(response);
        var start = _dashboard.Clock.GetUtcNow();
        Assert.Equal(": hello", await NextAsync(lines));
        Assert.Equal("", await NextAsync(lines));
        Assert.Equal(": still here", await NextAsync(lines));
        Assert.True(_dashboard.Clock.GetUtcNow() - start >= TimeSpan.FromSeconds(15));
    }

    [Fact]
    public async Task A_revoked_key_ends_the_stream_with_an_event()
    {
        using var browser = await _dashboard.OpenAsync(_dashboard.KeyOfA);
        using var other = await _dashboard.OpenAsync(_dashboard.KeyOfB);
        using var response = await browser.ListenAsync();
        using var still = await other.ListenAsync();
        using var lines = await LinesAsync(response);
        using var others = await LinesAsync(still);
        await PolledAsync(1);

        await _dashboard.RevokeAsync(_dashboard.KeyOfA);

        Assert.Equal(["event: over", "data:", ""], (await RestAsync(lines)).TakeLast(3));
        _dashboard.Cluster.Pulse.Beat();
        Assert.Equal(
            [": hello", "", "event: new"],
            [await NextAsync(others), await NextAsync(others), await NextAsync(others)]
        );
    }

    [Fact]
    public async Task A_stopping_process_ends_its_streams_without_waiting()
    {
        using var browser = await _dashboard.OpenAsync(_dashboard.KeyOfA);
        using var response = await browser.ListenAsync();
        using var lines = await LinesAsync(response);
        await PolledAsync(1);

        var start = TimeProvider.System.GetTimestamp();
        await _dashboard.StopAsync();

        Assert.DoesNotContain("event: over", await RestAsync(lines));
        Assert.True(TimeProvider.System.GetElapsedTime(start) < TimeSpan.FromSeconds(20), "It waited for the streams.");
    }

    [Fact]
    public async Task A_stream_that_opens_while_the_process_stops_ends_without_an_error()
    {
        using var browser = await _dashboard.OpenAsync(_dashboard.KeyOfA);
        _dashboard.RequestStop();

        using var response = await browser.ListenAsync();
        using var lines = await LinesAsync(response);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Empty(await RestAsync(lines));
    }

    [Fact]
    public async Task After_its_only_stream_closes_polling_ends()
    {
        using var browser = await _dashboard.OpenAsync(_dashboard.KeyOfA);
        var response = await browser.ListenAsync();
        await PolledAsync(2);
        response.Dispose();

        // The server notices the end with its next write or check, and then stops polling.
        var last = -1;
        await Eventually.TrueAsync(
            () =>
            {
                var asked = _dashboard.Cluster.Pulse.Asked;
                (var before, last) = (last, asked);
                return before == asked;
            },
            "polling has stopped",
            _dashboard.Clock,
            TimeSpan.FromSeconds(3)
        );
    }

    private static async Task<StreamReader> LinesAsync(HttpResponseMessage response) =>
        new(await response.Content.ReadAsStreamAsync(Ct));

    private Task PolledAsync(int times) =>
        Eventually.TrueAsync(
            () => _dashboard.Cluster.Pulse.Asked >= times,
            $"polled {times} times",
            _dashboard.Clock,
            Step
        );

    /// <summary>Reads the next line; advances the clock until it arrives.</summary>
    private async Task<string?> NextAsync(StreamReader lines)
    {
        var line = lines.ReadLineAsync(Ct).AsTask();
        await Eventually.TrueAsync(() => line.IsCompleted, "a line arrives", _dashboard.Clock, Step);
        return await line;
    }

    private async Task<IReadOnlyList<string>> RestAsync(StreamReader lines)
    {
        var rest = new List<string>();
        while (await NextAsync(lines) is { } line)
        {
            rest.Add(line);
        }

        return rest;
    }
}
