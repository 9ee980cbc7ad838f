using Scheduler.Api.V1;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.SystemTests;

/// <summary>
/// One scheduler on a <see cref="TroubledMarket"/>. The tests of the collection share it, one after the other.
/// </summary>
public sealed class TroubledScheduler : IAsyncLifetime
{
    private int _accounts;
    private int _instances;

    internal SchedulerProcess Process { get; private set; } = null!;

    public async ValueTask InitializeAsync() =>
        Process = await TroubledMarket.StartAsync(TestContext.Current.CancellationToken);

    public ValueTask DisposeAsync() => Process.DisposeAsync();

    internal ApiClient ApiClient(string transport) => SystemTests.ApiClient.Of(transport, Process);

    internal async Task<string> AccountAsync(ApiClient api, long microEuros)
    {
        var name = (await api.CreateAccountAsync($"acct-t{++_accounts}")).Ok.Name;
        if (microEuros > 0)
        {
            await TopUpAsync(api, name, microEuros);
        }

        return name;
    }

    internal static async Task TopUpAsync(ApiClient api, string account, long microEuros) =>
        _ = (await api.TopUpAsync(account, microEuros, $"payment-{Guid.NewGuid():N}")).Ok;

    internal async Task<Instance> CreateAsync(ApiClient api, string account, LaunchSpec spec) =>
        (await api.CreateInstanceAsync(account, $"trouble-{++_instances}", spec)).Ok;
}

[CollectionDefinition(Name)]
public sealed class TroubleGroup : ICollectionFixture<TroubledScheduler>
{
    public const string Name = "troubles";
}
