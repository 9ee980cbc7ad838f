using Microsoft.Extensions.Options;
using Scheduler.Domain.Balancers;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Inference;
using Scheduler.Inference.ContextCheck;
using Scheduler.Inference.Firewalls;
using Scheduler.Inference.Gateway;
using Scheduler.Inference.Guard;
using Scheduler.Inference.Serving;
using Scheduler.Inference.Upstream;
using Scheduler.UnitTests.Inference.Firewalls;
using Xunit;

namespace Scheduler.UnitTests.Inference.Guard;

/// <summary>Which firewalls judge a request, and when.</summary>
public sealed class RequestFirewallsTests : IFirewallGate, IDisposable
{
    private const string Ids = """{"model":"all","prompt":[1,2]}""";
    private const string Text = """{"model":"all","prompt":"hi"}""";

    private static readonly AccountId Account = ScriptedJudge.Account;

    private readonly List<(string Firewalls, bool CanDetokenize)> _asked = [];
    private readonly RuntimeClient _runtimes = new();
    private readonly RequestFirewalls _firewalls;

    public RequestFirewallsTests() =>
        _firewalls = new RequestFirewalls(
            new ScriptedJudge(),
            this,
            new RuntimeTokens(_runtimes, Options.Create(new InferenceOptions()), TimeProvider.System)
        );

    [Fact]
    public async Task Token_ids_through_a_balancer_are_judged_with_the_tokenizer_of_each_destination_INV_10()
    {
        var guard = await PassAsync(Ids, Balancer(router: null), [null, "one", "two"]);

        Assert.Equal([("front,one", true), ("front,two", true)], _asked);
        Assert.Equal([1, 2], guard.Prompt.Ids);
    }

    [Fact]
    public async Task A_router_model_gets_no_request_before_its_firewalls_judged_it_INV_10()
    {
        await PassAsync(Ids, Balancer(new RouterModel("router", TimeSpan.FromSeconds(1))), [null]);

        Assert.Equal([("front", false)], _asked);
    }

    [Fact]
    public async Task A_text_is_judged_once_by_each_firewall()
    {
        await PassAsync(Text, Balancer(router: null), [null, "one", "one", "two"]);

        Assert.Equal([("front", false), ("one", true), ("two", true)], _asked);
    }

    [Fact]
    public void Every_row_of_the_table_names_engines_that_are_supported()
    {
        var table = MemberTable.Shipped;
        var rows = Enum.GetValues<RequestKind>()
            .Where(kind => kind.HasReader())
            .SelectMany(kind => table.BodyOf(kind).All)
            .Concat(table.Message.All)
            .Concat(table.Part.All)
            .Concat(table.Image.All)
            .Concat(table.Prompt.All);

        Assert.All(
            rows,
            row =>
                Assert.Subset(
                    new HashSet<string>(StringComparer.Ordinal)
                    {
                        "openai",
                        "vllm",
                        "sglang",
                        "llama",
                        "lmdeploy",
                        "tgi",
                        "ollama",
                        "client",
                        "gateway",
                    },
                    row.Engines.ToHashSet(StringComparer.Ordinal)
                )
        );
    }

    ValueTask<GateVerdict> IFirewallGate.JudgeAsync(GateQuestion question, CancellationToken cancellationToken)
    {
        _asked.Add((string.Join(',', question.Firewalls), question.Detokenize is not null));
        return ValueTask.FromResult(GateVerdict.Pass);
    }

    public void Dispose() => _runtimes.Dispose();

    /// <summary>Passes the firewall of the balancer, then those of destinations named like their firewall.</summary>
    private async Task<RequestGuard> PassAsync(string body, ServedBalancer balancer, string?[] destinations)
    {
        var guard = Readings.GuardOf(RequestKind.Completion, body);
        foreach (var name in destinations)
        {
            var destination = name is null
                ? null
                : new ServedInstance(Account, name, name)
                {
                    Id = new InstanceId($"i-{name}"),
                    Run = 1,
                    State = InstanceState.Running,
                    ContextTokens = 100,
                    CreatedAt = default,
                };
            await _firewalls.PassAsync(
                guard,
                balancer,
                destination?.Firewall ?? balancer.Firewall,
                destination,
                new RequestId("req-1"),
                TestContext.Current.CancellationToken
            );
        }

        return guard;
    }

    private static ServedBalancer Balancer(RouterModel? router) =>
        new(Account, "all", "front")
        {
            Id = "bal-1",
            Generation = 1,
            Spec = new BalancerSpec { Router = router },
            Destinations = [],
        };
}
