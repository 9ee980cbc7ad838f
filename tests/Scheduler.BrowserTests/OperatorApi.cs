using Scheduler.Api.V1;
using Scheduler.TestKit;
using Xunit;
using Market = Scheduler.Api.V1.Providers;

namespace Scheduler.BrowserTests;

/// <summary>The API with an operator's key, for the data behind a page and the effects of its actions.</summary>
internal sealed class OperatorApi(SchedulerProcess process)
{
    public Accounts.AccountsClient Accounts { get; } = new(process.Calls);

    public Balancers.BalancersClient Balancers { get; } = new(process.Calls);

    public Firewalls.FirewallsClient Firewalls { get; } = new(process.Calls);

    public Instances.InstancesClient Instances { get; } = new(process.Calls);

    public Keys.KeysClient Keys { get; } = new(process.Calls);

    public Market.ProvidersClient Providers { get; } = new(process.Calls);

    public Requests.RequestsClient Requests { get; } = new(process.Calls);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async Task<Instance> InstanceAsync(string name) =>
        await Instances.GetInstanceAsync(new GetInstanceRequest { Name = name }, cancellationToken: Ct);

    public async Task<Account> AccountAsync(string name) =>
        await Accounts.GetAccountAsync(new GetAccountRequest { Name = name }, cancellationToken: Ct);

    /// <summary>All instances that are not deleted and match a filter, newest first.</summary>
    public async Task<IReadOnlyList<Instance>> InstancesAsync(string filter = "", string parent = "accounts/-")
    {
        var request = new ListInstancesRequest
        {
            Parent = parent,
            Filter = filter,
            PageSize = 1000,
        };
        return (await Instances.ListInstancesAsync(request, cancellationToken: Ct)).Instances;
    }

    /// <summary>Creates an instance in state stopped.</summary>
    public async Task<string> CreateAsync(string account, string servingName, LaunchSpec spec)
    {
        var request = new CreateInstanceRequest
        {
            Parent = account,
            ServingName = servingName,
            Spec = spec,
        };
        return (await Instances.CreateInstanceAsync(request, cancellationToken: Ct)).Name;
    }

    public async Task StartAsync(string name) =>
        await Instances.StartInstanceAsync(new StartInstanceRequest { Name = name }, cancellationToken: Ct);

    public async Task StopAsync(string name) =>
        await Instances.StopInstanceAsync(new StopInstanceRequest { Name = name }, cancellationToken: Ct);

    public Task<Instance> UntilAsync(string name, InstanceState state) =>
        Eventually.UntilAsync(() => InstanceAsync(name), instance => instance.State == state, $"{name} is {state}");

    /// <summary>Creates a key of an account, or an operator key for null.</summary>
    public async Task<(string Name, string Token)> KeyAsync(string? account, KeyRole role = KeyRole.Full)
    {
        var made = account is null
            ? await Keys.CreateOperatorKeyAsync(new CreateOperatorKeyRequest { Role = role }, cancellationToken: Ct)
            : await Keys.CreateKeyAsync(new CreateKeyRequest { Parent = account, Role = role }, cancellationToken: Ct);
        return (made.Key.Name, made.Token);
    }

    public async Task RevokeAsync(string name) =>
        await Keys.RevokeKeyAsync(new RevokeKeyRequest { Name = name }, cancellationToken: Ct);

    /// <summary>Events of a request.</summary>
    public async Task<IReadOnlyList<Event>> EventsAsync(string requestId)
    {
        var request = new GetRequestRequest { Name = $"requests/{requestId}" };
        return (await Requests.GetRequestAsync(request, cancellationToken: Ct)).Events;
    }
}
