using System.Net;
using Microsoft.Extensions.Time.Testing;
using Scheduler.Providers.Process;
using Xunit;

namespace Scheduler.UnitTests.Providers.Process;

/// <summary>When failed or missing answers to health probes make a runtime unhealthy.</summary>
public sealed class ProcessProbeTests : IDisposable
{
    private static readonly ProcessRecord Record = new()
    {
        Key = "i-probed-r1-a1",
        Cluster = "probes",
        Instance = "i-probed",
        CreatedAt = DateTimeOffset.UnixEpoch,
        BootId = "boot",
        Port = 28_000,
        HealthPath = "/health",
    };

    private readonly FakeTimeProvider _clock = new();
    private readonly Runtime _runtime = new();
    private readonly ProcessOptions _options = new();
    private readonly ProcessProbe _probe;

    public ProcessProbeTests() => _probe = new ProcessProbe(_runtime, _options, _clock);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _runtime.Dispose();

    [Fact]
    public async Task Consecutive_refusals_make_a_runtime_unhealthy()
    {
        await SeeAsync("200", ProcessHealth.Healthy);
        await SeeAsync("503", ProcessHealth.Doubtful);
        await SeeAsync("nobody", ProcessHealth.Doubtful);
        await SeeAsync("200", ProcessHealth.Healthy);
        await SeeAsync("503", ProcessHealth.Doubtful);
        await SeeAsync("nobody", ProcessHealth.Doubtful);
        await SeeAsync("503", ProcessHealth.Unhealthy);
    }

    [Fact]
    public async Task Silence_makes_a_runtime_unhealthy_after_a_time()
    {
        await SeeAsync("200", ProcessHealth.Healthy);
        var began = _clock.GetUtcNow();
        while (_clock.GetUtcNow() + _options.ProbeTimeout - began < _options.UnhealthyAfterSilence)
        {
            await SeeAsync("silence", ProcessHealth.Doubtful);
        }

        await SeeAsync("silence", ProcessHealth.Unhealthy);
        await SeeAsync("200", ProcessHealth.Healthy);
    }

    [Fact]
    public async Task An_answer_resets_the_silence_and_silence_does_not_reset_refusals()
    {
        for (var i = 0; i < _options.UnhealthyAfterProbes - 1; i++)
        {
            for (var silent = 0; silent < 10; silent++)
            {
                await SeeAsync("silence", ProcessHealth.Doubtful);
            }

            await SeeAsync("503", ProcessHealth.Doubtful);
        }

        await SeeAsync("silence", ProcessHealth.Doubtful);
        await SeeAsync("nobody", ProcessHealth.Unhealthy);
    }

    [Fact]
    public async Task A_second_check_within_the_interval_returns_the_previous_result()
    {
        _runtime.Answers = "503";
        Assert.Equal(ProcessHealth.Doubtful, await _probe.CheckAsync(Record, Ct));
        _runtime.Answers = "200";
        _clock.Advance(_options.ProbeEvery / 4);

        Assert.Equal(ProcessHealth.Doubtful, await _probe.CheckAsync(Record, Ct));

        _clock.Advance(_options.ProbeEvery / 4);
        Assert.Equal(ProcessHealth.Healthy, await _probe.CheckAsync(Record, Ct));
    }

    private async Task SeeAsync(string answer, ProcessHealth expected)
    {
        _runtime.Answers = answer;
        var looking = _probe.CheckAsync(Record, Ct);
        if (answer == "silence")
        {
            _clock.Advance(_options.ProbeTimeout);
        }

        Assert.Equal(expected, await looking);
        _clock.Advance(_options.ProbeEvery);
    }

    /// <summary>Answers with a status, refuses the connection, or never answers.</summary>
    private sealed class Runtime : HttpMessageHandler, IHttpClientFactory
    {
        internal string Answers { get; set; } = "200";

        public HttpClient CreateClient(string name) => new(this, disposeHandler: false);

        protected override async Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request,
            CancellationToken cancellationToken
        )
        {
            switch (Answers)
            {
                case "silence":
                    await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
                    throw new System.Diagnostics.UnreachableException();
                case "nobody":
                    throw new HttpRequestException(HttpRequestError.ConnectionError);
                default:
                    return new HttpResponseMessage((HttpStatusCode)int.Parse(Answers, null));
            }
        }
    }
}
