using System.Collections.Immutable;
using System.Text.Json;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Scheduler.Api.Health;
using Scheduler.Grains.Health;
using Xunit;

namespace Scheduler.UnitTests.Api;

public sealed class HealthBoardTests : IDisposable
{
    private readonly FakeTimeProvider _clock = new();
    private readonly Source _source = new();
    private readonly Lifetime _lifetime = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Health_is_checked_once_a_second_however_many_probes_arrive()
    {
        var board = Board();
        for (var second = 1; second <= 3; second++)
        {
            await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => board.ReadyAsync(Ct)));
            Assert.Equal(second, _source.Looks);
            _clock.Advance(TimeSpan.FromSeconds(1));
        }
    }

    [Fact]
    public async Task The_body_contains_the_state_and_age_of_every_check()
    {
        var board = Board();
        _source.Lines = [new HealthLine("store", false, "no answer in 2 s"), new HealthLine("offers", true, "2 of 2")];
        await board.ReadyAsync(Ct);
        _clock.Advance(TimeSpan.FromMilliseconds(400));

        var report = await board.ReadyAsync(Ct);

        Assert.False(report.IsOk);
        using var body = JsonDocument.Parse(report.ToJson("ready", "not_ready"));
        Assert.Equal("not_ready", body.RootElement.GetProperty("status").GetString());
        var checks = body.RootElement.GetProperty("checks");
        Assert.Equal(["draining", "store", "offers"], checks.EnumerateObject().Select(check => check.Name));
        var store = checks.GetProperty("store");
        Assert.Equal("failing", store.GetProperty("state").GetString());
        Assert.Equal(400, store.GetProperty("age_ms").GetInt64());
        Assert.Equal("no answer in 2 s", store.GetProperty("says").GetString());
        Assert.Equal("ok", checks.GetProperty("offers").GetProperty("state").GetString());
    }

    [Fact]
    public async Task A_stopping_process_is_not_ready_at_once()
    {
        var board = Board();
        Assert.True((await board.ReadyAsync(Ct)).IsOk);
        _lifetime.StopApplication();

        Assert.False((await board.ReadyAsync(Ct)).IsOk);
        Assert.Equal(1, _source.Looks);
    }

    [Fact]
    public async Task A_check_that_fails_or_never_ends_counts_as_not_ready()
    {
        var board = Board();
        _source.Fault = new InvalidOperationException("a secret");
        var failed = await board.ReadyAsync(Ct);
        Assert.False(failed.IsOk);
        Assert.DoesNotContain(failed.Lines, line => line.Finding.Contains("secret", StringComparison.Ordinal));

        _clock.Advance(TimeSpan.FromSeconds(1));
        _source.Fault = null;
        _source.NeverEnds = true;
        var asked = board.ReadyAsync(Ct);
        _clock.Advance(TimeSpan.FromSeconds(3));
        Assert.False((await asked.WaitAsync(TimeSpan.FromSeconds(10), TimeProvider.System, Ct)).IsOk);
    }

    public void Dispose() => _lifetime.Dispose();

    private HealthBoard Board() => new([_source], _lifetime, _clock, NullLogger<HealthBoard>.Instance);

    private sealed class Source : IReadiness
    {
        public int Looks { get; private set; }

        public ImmutableArray<HealthLine> Lines { get; set; } = [new HealthLine("store", true, "")];

        public Exception? Fault { get; set; }

        public bool NeverEnds { get; set; }

        public Task<ImmutableArray<HealthLine>> CheckAsync(CancellationToken cancellationToken)
        {
            Looks++;
            return Fault is not null ? Task.FromException<ImmutableArray<HealthLine>>(Fault)
                : NeverEnds ? new TaskCompletionSource<ImmutableArray<HealthLine>>().Task
                : Task.FromResult(Lines);
        }
    }

    private sealed class Lifetime : IHostApplicationLifetime, IDisposable
    {
        private readonly CancellationTokenSource _stopping = new();

        public CancellationToken ApplicationStarted => CancellationToken.None;

        public CancellationToken ApplicationStopping => _stopping.Token;

        public CancellationToken ApplicationStopped => CancellationToken.None;

        public void StopApplication() => _stopping.Cancel();

        public void Dispose() => _stopping.Dispose();
    }
}
