using Grpc.Core;
using Grpc.Net.Client;
using Scheduler.Api.V1;

namespace Scheduler.Host.Demo;

/// <summary>
/// The demo: a client of the running scheduler that uses the public API. It creates accounts, tops one up, launches
/// instances on the simulated market, and prints the result of each launch with its cause.
/// </summary>
internal sealed class DemoRun
{
    private const string SpecJson =
        """{"spec":{"model":"Qwen/Qwen3-32B","constraints":{"regions":["eu-north1"],"max_price_per_hour_micro_eur":300000}}}""";

    private static readonly TimeSpan StoryEnds = TimeSpan.FromSeconds(60);

    private readonly TextWriter _out;
    private readonly TimeProvider _clock;
    private readonly string _token;
    private readonly Metadata _auth;
    private readonly Accounts.AccountsClient _accounts;
    private readonly Keys.KeysClient _keys;
    private readonly Instances.InstancesClient _instances;

    private DemoRun(GrpcChannel channel, string token, TextWriter output, TimeProvider clock)
    {
        _out = output;
        _clock = clock;
        _token = token;
        _auth = new Metadata { { "authorization", $"Bearer {token}" } };
        _accounts = new Accounts.AccountsClient(channel);
        _keys = new Keys.KeysClient(channel);
        _instances = new Instances.InstancesClient(channel);
    }

    /// <summary>Runs the demo and prints example calls at the end.</summary>
    public static async Task ShowAsync(
        WebApplication app,
        string operatorToken,
        TextWriter output,
        CancellationToken cancellationToken
    )
    {
        using var channel = GrpcChannel.ForAddress(
            app.GrpcAddress() ?? throw new InvalidOperationException("The demo needs a process with the API.")
        );
        var demo = new DemoRun(channel, operatorToken, output, app.Services.GetRequiredService<TimeProvider>());
        await demo.ShowAsync(app.HttpAddress(), cancellationToken);
    }

    private async Task ShowAsync(Uri http, CancellationToken cancellationToken)
    {
        var account = await AccountAsync("acct-demo", "Demo", 100, cancellationToken);
        var poor = await AccountAsync("acct-demo-poor", "Demo without money", 0, cancellationToken);
        await _out.WriteLineAsync(
            "\nSeven launches on the simulated market (real offers and prices, no real cloud; see README):\n"
        );
        foreach (var story in DemoStory.All)
        {
            await RunStoryAsync(story, story.HasMoney ? account : poor, cancellationToken);
        }

        await PrintNextStepsAsync(account, http, cancellationToken);
    }

    private async Task<string> AccountAsync(
        string id,
        string displayName,
        long euros,
        CancellationToken cancellationToken
    )
    {
        var name = $"accounts/{id}";
        await _accounts.CreateAccountAsync(
            new CreateAccountRequest { AccountId = id, DisplayName = displayName },
            _auth,
            cancellationToken: cancellationToken
        );
        if (euros > 0)
        {
            var toppedUp = await _accounts.TopUpAccountAsync(
                new TopUpAccountRequest
                {
                    Name = name,
                    AmountMicroEur = euros * 1_000_000,
                    Reference = "demo-top-up",
                },
                _auth,
                cancellationToken: cancellationToken
            );
            await _out.WriteLineAsync($"{name}: balance {toppedUp.Account.BalanceMicroEur / 1_000_000m:0.00} EUR");
        }

        return name;
    }

    private async Task RunStoryAsync(DemoStory story, string account, CancellationToken cancellationToken)
    {
        await _out.WriteLineAsync($"── {story.Title}");
        var created = await _instances.CreateInstanceAsync(
            new CreateInstanceRequest
            {
                Parent = account,
                ServingName = $"{story.ServingName}-{_clock.GetUtcNow().ToUnixTimeSeconds()}",
                Spec = story.Spec,
            },
            _auth,
            cancellationToken: cancellationToken
        );
        try
        {
            await _instances.StartInstanceAsync(
                new StartInstanceRequest { Name = created.Name },
                _auth,
                cancellationToken: cancellationToken
            );
        }
        catch (RpcException refused) when (refused.StatusCode is not (StatusCode.Unavailable or StatusCode.Internal))
        {
            // The instance also stores the refusal; it is printed from there.
        }

        var ended = await WaitAsync(created.Name, story.IsOver, cancellationToken);
        await PrintAsync(ended, cancellationToken);
    }

    private async Task<Instance> WaitAsync(
        string name,
        Func<Instance, bool> isOver,
        CancellationToken cancellationToken
    )
    {
        using var patience = new CancellationTokenSource(StoryEnds, _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        using var watch = _instances.WatchInstance(
            new WatchInstanceRequest { Name = name },
            _auth,
            cancellationToken: either.Token
        );
        Instance? latest = null;
        while (await watch.ResponseStream.MoveNext(either.Token))
        {
            latest = watch.ResponseStream.Current;
            if (isOver(latest))
            {
                break;
            }
        }

        return latest ?? throw new InvalidOperationException($"The watch of {name} returned no instance.");
    }

    private async Task PrintAsync(Instance instance, CancellationToken cancellationToken)
    {
        var timeline = await _instances.ListInstanceEventsAsync(
            new ListInstanceEventsRequest { Parent = instance.Name },
            _auth,
            cancellationToken: cancellationToken
        );
        foreach (var happened in timeline.Events)
        {
            var at = happened.Time.ToDateTimeOffset();
            await _out.WriteLineAsync(
                $"   {at:HH:mm:ss.fff}  {happened.From, -12} → {happened.To, -12} {happened.Trigger, -16} {happened.Reason}"
            );
        }

        if (instance.Failure is { } failure)
        {
            await _out.WriteLineAsync($"   {failure.Code}: {failure.Message}");
            await _out.WriteLineAsync($"   hint: {failure.Hint}");
            await _out.WriteLineAsync($"   request id: {failure.RequestId}");
        }

        await _out.WriteLineAsync();
    }

    private async Task PrintNextStepsAsync(string account, Uri http, CancellationToken cancellationToken)
    {
        var key = await _keys.CreateKeyAsync(
            new CreateKeyRequest { Parent = account, DisplayName = "demo" },
            _auth,
            cancellationToken: cancellationToken
        );
        var url = http.ToString().TrimEnd('/');
        await _out.WriteLineAsync(
            $$$"""
            Open {{{url}}} and sign in with the operator's key: {{{_token}}}
            Five of the seven launches failed on purpose: the dashboard shows the cause, and each has a button that fixes it.

            The API is at the same address; reference: {{{url}}}/reference   key of acct-demo: {{{key.Token}}}

            Try (copy and paste):
              export KEY={{{key.Token}}}
              curl -s -H "Authorization: Bearer $KEY" {{{url}}}/v1/{{{account}}}/instances
              curl -s -H "Authorization: Bearer $KEY" -d '{{{SpecJson}}}' -H 'content-type: application/json' {{{url}}}/v1/{{{account}}}:explainLaunch
              curl -s {{{url}}}/v1/failures/SMART_NO_MATCH

            Stop with Ctrl-C; the same command continues with the stored state.
            """
        );
    }
}
