using Scheduler.Api.V1;
using Scheduler.TestKit;
using Xunit;
using Market = Scheduler.Api.V1.Providers;

namespace Scheduler.BrowserTests;

/// <summary>The API as an operator asks it, for what a page shows and for what it did.</summary>
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

    /// <summary>An instance as it stands.</summary>
    public async Task<Instance> InstanceAsync(string name) =>
        await Instances.GetInstanceAsync(new GetInstanceRequest { Name = name }, cancellationToken: Ct);

    /// <summary>An account as it stands.</summary>
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

    /// <summary>Creates an instance, which stands stopped then.</summary>
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

    /// <summary>Starts an instance.</summary>
    public async Task StartAsync(string name) =>
        await Instances.StartInstanceAsync(new StartInstanceRequest { Name = name }, cancellationToken: Ct);

    /// <summary>Stops an instance.</summary>
    public async Task StopAsync(string name) =>
        await Instances.StopInstanceAsync(new StopInstanceRequest { Name = name }, cancellationToken: Ct);

    /// <summary>Waits until an instance is in a state.</summary>
    public Task<Instance> UntilAsync(string name, InstanceState state) =>
        Eventually.UntilAsync(() => InstanceAsync(name), instance => instance.State == state, $"{name} is {state}");

    /// <summary>Creates a key of an account, or of operators where there is none.</summary>
    public async Task<(string Name, string Token)> KeyAsync(string? account, KeyRole role = KeyRole.Full)
    {
        var made = account is null
            ? await Keys.CreateOperatorKeyAsync(new CreateOperatorKeyRequest { Role = role }, cancellationToken: Ct)
            : await Keys.CreateKeyAsync(new CreateKeyRequest { Parent = account, Role = role }, cancellationToken: Ct);
        return (made.Key.Name, made.Token);
    }

    /// <summary>Revokes a key of an account.</summary>
    public async Task RevokeAsync(string name) =>
        await Keys.RevokeKeyAsync(new RevokeKeyRequest { Name = name }, cancellationToken: Ct);

    /// <summary>What happened under a request.</summary>
    public async Task<IReadOnlyList<Event>> EventsAsync(string requestId)
    {
        var request = new GetRequestRequest { Name = $"requests/{requestId}" };
        return (await Requests.GetRequestAsync(request, cancellationToken: Ct)).Events;
    }
}
