using System.Net;
using Microsoft.Extensions.Time.Testing;
using Scheduler.Domain.Runtimes;
using Scheduler.Providers;
using Xunit;

namespace Scheduler.ProviderTests;

/// <summary>When failed or missing answers to health probes make a runtime unhealthy.</summary>
public sealed class RuntimeProbeTests : IDisposable
{
    private static readonly ProbeLimits Limits = new(
        Every: TimeSpan.FromMilliseconds(500),
        Timeout: TimeSpan.FromSeconds(2),
        UnhealthyAfterProbes: 3,
        UnhealthyAfterSilence: TimeSpan.FromSeconds(30)
    );

    private static readonly Uri Address = new("http://127.0.0.1:28000/health");

    private readonly FakeTimeProvider _clock = new();
    private readonly Runtime _runtime = new();
    private readonly RuntimeProbe _probe;

    public RuntimeProbeTests() => _probe = new RuntimeProbe(_runtime, Limits, _clock);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _runtime.Dispose();

    [Fact]
    public async Task Consecutive_refusals_make_a_runtime_unhealthy()
    {
        await SeeAsync("200", RuntimeHealth.Healthy);
        await SeeAsync("503", RuntimeHealth.Doubtful);
        await SeeAsync("nobody", RuntimeHealth.Doubtful);
        await SeeAsync("200", RuntimeHealth.Healthy);
        await SeeAsync("503", RuntimeHealth.Doubtful);
        await SeeAsync("nobody", RuntimeHealth.Doubtful);
        await SeeAsync("503", RuntimeHealth.Unhealthy);
    }

    [Fact]
    public async Task Silence_makes_a_runtime_unhealthy_after_a_time()
    {
        await SeeAsync("200", RuntimeHealth.Healthy);
        var began = _clock.GetUtcNow();
        while (_clock.GetUtcNow() + Limits.Timeout - began < Limits.UnhealthyAfterSilence)
        {
            await SeeAsync("silence", RuntimeHealth.Doubtful);
        }

        await SeeAsync("silence", RuntimeHealth.Unhealthy);
        await SeeAsync("200", RuntimeHealth.Healthy);
    }

    [Fact]
    public async Task An_answer_resets_the_silence_and_silence_does_not_reset_refusals()
    {
        for (var i = 0; i < Limits.UnhealthyAfterProbes - 1; i++)
        {
            for (var silent = 0; silent < 10; silent++)
            {
                await SeeAsync("silence", RuntimeHealth.Doubtful);
            }

            await SeeAsync("503", RuntimeHealth.Doubtful);
        }

        await SeeAsync("silence", RuntimeHealth.Doubtful);
        await SeeAsync("nobody", RuntimeHealth.Unhealthy);
    }

    [Fact]
    public async Task A_second_check_within_the_interval_returns_the_previous_result()
    {
        _runtime.Answers = "503";
        Assert.Equal(RuntimeHealth.Doubtful, await _probe.CheckAsync("i-probed-r1-a1", Address, null, Ct));
        _runtime.Answers = "200";
        _clock.Advance(Limits.Every / 4);

        Assert.Equal(RuntimeHealth.Doubtful, await _probe.CheckAsync("i-probed-r1-a1", Address, null, Ct));

        _clock.Advance(Limits.Every / 4);
        Assert.Equal(RuntimeHealth.Healthy, await _probe.CheckAsync("i-probed-r1-a1", Address, null, Ct));
    }

    [Fact]
    public async Task The_probe_sends_the_runtime_key()
    {
        await _probe.CheckAsync("i-open-r1-a1", Address, null, Ct);
        Assert.Null(_runtime.Authorization);

        await _probe.CheckAsync("i-closed-r1-a1", Address, new RuntimeKey("k"), Ct);
        Assert.Equal("Bearer k", _runtime.Authorization);
    }

    private async Task SeeAsync(string answer, RuntimeHealth expected)
    {
        _runtime.Answers = answer;
        var looking = _probe.CheckAsync("i-probed-r1-a1", Address, null, Ct);
        if (answer == "silence")
        {
            _clock.Advance(Limits.Timeout);
        }

        Assert.Equal(expected, await looking);
        _clock.Advance(Limits.Every);
    }

    /// <summary>Answers with a status, refuses the connection, or never answers.</summary>
    private sealed class Runtime : HttpMessageHandler, IHttpClientFactory
    {
        internal string Answers { get; set; } = "200";

        internal string? Authorization { get; private set; }

        public HttpClient CreateClient(string name) => new(this, disposeHandler: false);

        protected override async Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request,
            CancellationToken cancellationToken
        )
        {
            Authorization = request.Headers.Authorization?.ToString();
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
