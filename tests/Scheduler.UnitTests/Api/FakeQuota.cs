using System.Collections.Immutable;
using Scheduler.Domain.Billing;
using Scheduler.Grains;
using Scheduler.Grains.Billing;

namespace Scheduler.UnitTests.Api;

/// <summary>Quotas without a limit that a test could reach; three of each thing are used.</summary>
internal sealed class FakeQuota : IQuotaGrain
{
    public Task<Refusal?> ClaimAsync(QuotaClaim claim) => Task.FromResult<Refusal?>(null);

    public Task DoneAsync(QuotaClaim claim) => Task.CompletedTask;

    public Task<ImmutableArray<QuotaUse>> UseAsync() =>
        Task.FromResult<ImmutableArray<QuotaUse>>([
            .. QuotaNames.All.Select(quota => new QuotaUse(quota, 3, 1_000, 1_000)),
        ]);
}
