using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Scheduler.Domain.Balancers;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Grains;
using Scheduler.Inference.Balancers;
using Scheduler.Inference.Firewalls;
using Scheduler.Inference.Guard;
using Scheduler.Inference.Serving;
using Scheduler.Inference.Upstream;
using Scheduler.TestKit;
using Scheduler.UnitTests.Api;
using Scheduler.UnitTests.Inference.Guard;
using Xunit;

namespace Scheduler.UnitTests.Inference.Balancers;

/// <summary>The real picker with scripted serving names, router model, firewalls and balancer grain.</summary>
internal sealed class PickerWorld : IServingTable, IInstanceChat, IFirewallGate, IAsyncDisposable
{
    public static readonly AccountId Account = new("acct-a");
    private static readonly BalancerId Id = new("bal-aaaaaaaaaaaaaaaaaaaa");

    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly ConcurrentDictionary<string, Served> _names = new(StringComparer.Ordinal);
    private readonly FakeCluster _cluster = new();
    private readonly RuntimeClient _runtimes;
    private readonly BalancerStates _states;
    private readonly DestinationPicker _picker;
    private int _requests;
    private long _generation;
    private BalancerSpec _spec;

    public PickerWorld(BalancerSpec spec)
    {
        _spec = spec;
        var metrics = new BalancerMetrics(_services.GetRequiredService<IMeterFactory>());
        _runtimes = new RuntimeClient();
        _states = new BalancerStates(
            _cluster,
            this,
            new DestinationProber(_runtimes, Clock),
            metrics,
            Clock,
            NullLogger<BalancerStates>.Instance
        );
        _picker = new DestinationPicker(
            this,
            _states,
            new IntentRouter(this, this, this, metrics, Clock),
            metrics,
            Clock
        );
        Change(spec);
    }

    public FakeTimeProvider Clock { get; } = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));

    /// <summary>Answer of the router model.</summary>
    public Func<ChatQuestion, ChatReply> Router { get; set; } =
        _ => throw new InvalidOperationException("Not asked for.");

    /// <summary>Calls of the router model.</summary>
    public List<(string Instance, ChatQuestion Question)> Asked { get; } = [];

    /// <summary>Firewalls that block every prompt.</summary>
    public HashSet<string> Closed { get; } = [];

    /// <summary>The balancer grain, with the reports it received.</summary>
    public FakeBalancer Grain => (FakeBalancer)_cluster.Balancer(Id);

    /// <summary>Settings without probes; two consecutive failures eject.</summary>
    public static HealthSettings Calm { get; } = new() { ProbeInterval = TimeSpan.Zero, ConsecutiveFailures = 2 };

    public static BalancerSpec Group(GroupPolicy policy, params (string Name, int Weight)[] members) =>
        new()
        {
            Routes =
            [
                new BalancerRoute
                {
                    Name = "all",
                    Group = "g",
                    IsDefault = true,
                },
            ],
            Groups =
            [
                new TargetGroup
                {
                    Name = "g",
                    Policy = policy,
                    Members = [.. members.Select(member => new GroupMember(member.Name, member.Weight))],
                },
            ],
            Health = Calm,
        };

    public void Change(BalancerSpec spec)
    {
        _spec = spec;
        _generation++;
    }

    /// <summary>Adds or replaces the instance with this name.</summary>
    public void Put(
        string name,
        InstanceState state = InstanceState.Running,
        int run = 1,
        Failure? failure = null,
        Uri? endpoint = null,
        string? firewall = null
    ) =>
        _names[name] = new ServedInstance(Account, name, firewall)
        {
            Id = new InstanceId($"i-{name}"),
            Run = run,
            State = state,
            Endpoint = endpoint ?? new Uri("http://runtime.invalid/"),
            ContextTokens = 4096,
            CreatedAt = DateTimeOffset.UnixEpoch,
            Failure = failure is null ? null : new FailureRecord { Failure = failure },
        };

    /// <summary>Gives this name to the balancer.</summary>
    public void PutBalancer(string name) => _names[name] = Serve(name);

    public void Remove(string name) => _names.TryRemove(name, out _);

    public RoutingQuestion Question(params PromptPart[] prompt) =>
        new(Serve("front"), () => Readings.Of(prompt), new HashSet<InstanceId>(), new RequestId($"req-{++_requests}"));

    public Task<Destination> AskAsync(RoutingQuestion question) =>
        _picker.PickAsync(question, TestContext.Current.CancellationToken).AsTask();

    /// <summary>Picks a destination for a new request.</summary>
    public Task<Destination> AskAsync() => AskAsync(Question(new PromptPart("user", "hello")));

    /// <summary>Sends requests one after another, reports each result and returns the destinations.</summary>
    public async Task<List<string>> SendAsync(int requests, Func<string, bool>? succeeds = null)
    {
        var went = new List<string>();
        for (var i = 0; i < requests; i++)
        {
            using var lease = (await AskAsync()).Lease!;
            went.Add(lease.Instance.ServingName);
            if (succeeds?.Invoke(lease.Instance.ServingName) != false)
            {
                lease.Succeeded();
            }
            else
            {
                lease.Failed();
            }
        }

        return went;
    }

    /// <summary>Advances the fake clock, and waits on the real one, until a condition holds.</summary>
    public Task UntilAsync(Func<bool> isSo, string what) =>
        Eventually.UntilAsync(
            async () =>
            {
                Clock.Advance(TimeSpan.FromMilliseconds(100));
                await Task.Delay(2, TestContext.Current.CancellationToken);
                return isSo();
            },
            so => so,
            what
        );

    public ValueTask<Served?> FindAsync(AccountId account, string servingName, CancellationToken cancellationToken) =>
        ValueTask.FromResult(_names.GetValueOrDefault(servingName));

    public Task<string?> AccountFirewallAsync(AccountId account, CancellationToken cancellationToken) =>
        Task.FromResult<string?>(null);

    public Task<ChatReply> AskAsync(
        AccountId account,
        string servingName,
        ChatQuestion question,
        CancellationToken cancellationToken
    )
    {
        Asked.Add((servingName, question));
        return Task.FromResult(Router(question));
    }

    public ValueTask<GateVerdict> JudgeAsync(GateQuestion question, CancellationToken cancellationToken) =>
        ValueTask.FromResult(
            question.Firewalls.Any(Closed.Contains)
                ? new GateVerdict(FailureCatalogue.Describe(new NoHealthyDestinationFacts("x", [], default)), [])
                : GateVerdict.Pass
        );

    public async ValueTask DisposeAsync()
    {
        await _states.StopAsync(CancellationToken.None);
        _states.Dispose();
        _runtimes.Dispose();
        await _services.DisposeAsync();
    }

    private ServedBalancer Serve(string name) =>
        new(Account, name, null)
        {
            Id = Id.Value,
            Generation = _generation,
            Spec = _spec,
            Destinations = _spec.Destinations,
        };
}
