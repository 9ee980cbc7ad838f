using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Scheduler.Grains;
using Scheduler.Grains.Keys;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.ClusterTests.Keys;

/// <summary>
/// INV-09 on the real clock: three silos verify a key continuously while one of them revokes it. The test then examines
/// what each accepted.
/// </summary>
public sealed class RevocationTests(ITestOutputHelper output)
{
    private const int Keys = 6;
    private const int VerifiersPerSilo = 3;
    private static readonly TimeSpan Remembered = TimeSpan.FromSeconds(1);

    [Fact]
    public async Task INV_09_a_revoked_key_is_refused_at_once_locally_and_within_a_second_elsewhere()
    {
        await using var scheduler = await TestScheduler.DeployAsync(_ => { }, silos: 3);
        var silos = scheduler
            .Cluster.Silos.Select(silo => scheduler.Cluster.GetSiloServiceProvider(silo.SiloAddress))
            .ToArray();

        var lags = await Task.WhenAll(
            Enumerable.Range(0, Keys).Select(i => WorstLagAsync(scheduler, silos, revoker: i % silos.Length))
        );

        output.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"Largest lag of {Keys} revocations: {lags.Max().TotalMilliseconds:0} ms after the acknowledgement"
            )
        );
    }

    private static async Task<TimeSpan> WorstLagAsync(TestScheduler scheduler, IServiceProvider[] silos, int revoker)
    {
        var token = KeyAuthority.NewToken();
        TestScheduler.Good(
            await scheduler
                .Grains.Key(token.KeyId)
                .CreateAsync(new CreateKey(null, "measured", KeyAuthority.Fingerprint(token)), scheduler.As(null))
        );
        var admissions = new ConcurrentQueue<(int Silo, long AskedAt)>();
        using var ends = new CancellationTokenSource();
        var verifiers = Enumerable
            .Range(0, silos.Length * VerifiersPerSilo)
            .Select(i => VerifyAsync(silos, i % silos.Length, token.Reveal(), admissions, ends.Token))
            .ToArray();
        await Eventually.TrueAsync(
            () => admissions.Select(admission => admission.Silo).Distinct().Count() == silos.Length,
            "every silo accepts the key"
        );

        // As the API does: the grain, then the cache of this silo, then the answer.
        var revoked = TestScheduler.Good(
            await silos[revoker].GetRequiredService<IGrainFactory>().Key(token.KeyId).RevokeAsync(scheduler.As(null))
        );
        silos[revoker].GetRequiredService<KeyAuthority>().RecordRevoked(revoked);
        var acknowledged = TimeProvider.System.GetTimestamp();

        await Task.Delay(Remembered * 2, TimeProvider.System, TestContext.Current.CancellationToken);
        await ends.CancelAsync();
        var failures = await Task.WhenAll(verifiers);

        // Every silo refused the key because of the revocation.
        Assert.All(failures, failure => Assert.Equal(Domain.Failures.FailureCode.AuthRevokedToken, failure));
        var late = admissions.Where(admission => admission.AskedAt > acknowledged).ToList();
        Assert.DoesNotContain(late, admission => admission.Silo == revoker);
        var lag = late.Select(admission => TimeProvider.System.GetElapsedTime(acknowledged, admission.AskedAt))
            .DefaultIfEmpty()
            .Max();
        Assert.True(lag <= Remembered, $"A silo accepted a revoked key {lag} after its revocation.");
        return lag;
    }

    private static async Task<Domain.Failures.FailureCode> VerifyAsync(
        IServiceProvider[] silos,
        int silo,
        string token,
        ConcurrentQueue<(int Silo, long AskedAt)> admissions,
        CancellationToken ends
    )
    {
        var authority = silos[silo].GetRequiredService<KeyAuthority>();
        var last = Domain.Failures.FailureCode.None;
        while (!ends.IsCancellationRequested)
        {
            var asked = TimeProvider.System.GetTimestamp();
            var verdict = await authority.VerifyAsync($"Bearer {token}");
            last = verdict.Failure?.Code ?? Domain.Failures.FailureCode.None;
            if (verdict.Caller is not null)
            {
                admissions.Enqueue((silo, asked));
            }

            await Task.Delay(TimeSpan.FromMilliseconds(2), TimeProvider.System, CancellationToken.None);
        }

        return last;
    }
}
