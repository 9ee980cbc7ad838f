using Grpc.Core;
using Grpc.Net.Client;
using Scheduler.Api.V1;

namespace Scheduler.Host.Demo;

/// <summary>
/// The demo: a client of the running scheduler that uses the public API. It creates accounts, tops one up, launches
/// instances on the simulated market, and prints the result of each launch with its cause.
/// </summary>
/// <remarks>
/// It launches each instance once: a later start prints what has become of it. Whatever was changed meanwhile, a story
/// ends in any lasting state and never ends the scheduler.
/// </remarks>
internal sealed class DemoRun
{
    private const string SpecJson =
        """{"spec":{"model":"Qwen/Qwen3-32B","constraints":{"regions":["eu-north1"],"max_price_per_hour_micro_eur":300000}}}""";

    /// <summary>Longest wait for a lasting state; launches of the demo need a few seconds.</summary>
    private static readonly TimeSpan StoryEnds = TimeSpan.FromSeconds(60);

    private readonly TextWriter _out;
    private readonly TimeProvider _clock;
    private readonly string _token;
    private readonly string _folder;
    private readonly Metadata _auth;
    private readonly CallInvoker _calls;
    private readonly Accounts.AccountsClient _accounts;
    private readonly Instances.InstancesClient _instances;

    private DemoRun(CallInvoker calls, string token, string folder, TextWriter output, TimeProvider clock)
    {
        _out = output;
        _clock = clock;
        _token = token;
        _folder = folder;
        _calls = calls;
        _auth = new Metadata { { "authorization", $"Bearer {token}" } };
        _accounts = new Accounts.AccountsClient(calls);
        _instances = new Instances.InstancesClient(calls);
    }

    /// <summary>Runs the demo and prints example calls at the end. An error ends the demo, not the scheduler.</summary>
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
        var demo = new DemoRun(
            channel.CreateCallInvoker(),
            operatorToken,
            app.Services.GetRequiredService<Settings>().OwnFolder,
            output,
            app.Services.GetRequiredService<TimeProvider>()
        );
        try
        {
            await demo.ShowAsync(app.HttpAddress(), cancellationToken);
        }
        catch (Exception) when (cancellationToken.IsCancellationRequested)
        {
            // The scheduler stops.
        }
        catch (Exception exception) when (exception is RpcException or IOException or UnauthorizedAccessException)
        {
            await output.WriteLineAsync($"The demo ended early; the scheduler continues: {Words(exception)}");
        }
    }

    private async Task ShowAsync(Uri http, CancellationToken cancellationToken)
    {
        var account = await AccountAsync("acct-demo", "Demo", 100, cancellationToken);
        var poor = await AccountAsync("acct-demo-poor", "Demo without money", 0, cancellationToken);
        await _out.WriteLineAsync(
            "\nSeven launches on the simulated market (real offers and prices, no real cloud; see README):\n"
        );
        // All start at once, because some wait for a timeout. They are printed in order.
        var begun = DemoStory
            .All.Select(story => PlayAsync(story, story.HasMoney ? account : poor, cancellationToken))
            .ToList();
        var (onPurpose, failed) = (0, 0);
        foreach (var (story, playing) in DemoStory.All.Zip(begun))
        {
            var (instance, isNew, trouble) = await playing;
            await _out.WriteLineAsync($"── {story.Title}{(story.FailsWith is { } code ? $": {code}" : "")}");
            failed += instance?.State == InstanceState.Failed ? 1 : 0;
            onPurpose += instance is not null && story.FailedOnPurpose(instance) ? 1 : 0;
            if (instance is not null)
            {
                await PrintAsync(instance, isNew, cancellationToken);
            }

            if (trouble is not null)
            {
                await _out.WriteLineAsync($"   not shown: {trouble}\n");
            }
        }

        await PrintNextStepsAsync(account, http, DemoStory.Sum(onPurpose, failed - onPurpose), cancellationToken);
    }

    /// <summary>An account of the demo, created and topped up once.</summary>
    private async Task<string> AccountAsync(
        string id,
        string displayName,
        long euros,
        CancellationToken cancellationToken
    )
    {
        var name = $"accounts/{id}";
        try
        {
            await _accounts.CreateAccountAsync(
                new CreateAccountRequest { AccountId = id, DisplayName = displayName },
                _auth,
                cancellationToken: cancellationToken
            );
        }
        catch (RpcException exists) when (exists.StatusCode == StatusCode.AlreadyExists)
        {
            // It was renamed since an earlier start.
        }

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

    /// <summary>Launches the instance of a story unless an earlier start has, and waits for a lasting state.</summary>
    /// <returns>The instance, whether this start launched it, and why there is no instance.</returns>
    private async Task<(Instance? Instance, bool IsNew, string? Trouble)> PlayAsync(
        DemoStory story,
        string account,
        CancellationToken cancellationToken
    )
    {
        try
        {
            // The request id makes create and start idempotent, also when an earlier start ended between them.
            var instance = await _instances.CreateInstanceAsync(
                new CreateInstanceRequest
                {
                    Parent = account,
                    ServingName = story.ServingName,
                    Spec = story.Spec,
                    RequestId = $"demo-{story.ServingName}",
                },
                _auth,
                cancellationToken: cancellationToken
            );
            var isNew = !await WasStartedAsync(instance, cancellationToken);
            if (isNew)
            {
                await StartAsync(instance, cancellationToken);
            }

            return (await WaitAsync(instance.Name, cancellationToken) ?? instance, isNew, null);
        }
        catch (RpcException refused) when (!cancellationToken.IsCancellationRequested)
        {
            return (null, false, Words(refused));
        }
    }

    private async Task<bool> WasStartedAsync(Instance instance, CancellationToken cancellationToken) =>
        instance.State != InstanceState.Stopped
        || (await EventsAsync(instance, cancellationToken)).Any(happened => happened.Trigger == "Start");

    private async Task StartAsync(Instance instance, CancellationToken cancellationToken)
    {
        try
        {
            await _instances.StartInstanceAsync(
                new StartInstanceRequest { Name = instance.Name, RequestId = "demo-start" },
                _auth,
                cancellationToken: cancellationToken
            );
        }
        catch (RpcException refused) when (refused.StatusCode is not (StatusCode.Unavailable or StatusCode.Internal))
        {
            // The instance also stores the refusal; it is printed from there.
        }
    }

    /// <summary>The instance in the first lasting state, or as it is at the end of the wait; null if it was not read.</summary>
    private async Task<Instance?> WaitAsync(string name, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(StoryEnds, _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        using var watch = _instances.WatchInstance(
            new WatchInstanceRequest { Name = name },
            _auth,
            cancellationToken: either.Token
        );
        Instance? latest = null;
        try
        {
            while (await watch.ResponseStream.MoveNext(either.Token))
            {
                latest = watch.ResponseStream.Current;
                if (DemoStory.IsOver(latest.State))
                {
                    break;
                }
            }
        }
        catch (RpcException) when (patience.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            // A change of its spec may have made it wait longer; the dashboard shows how it ends.
        }

        return latest;
    }

    private async Task<IReadOnlyList<Event>> EventsAsync(Instance instance, CancellationToken cancellationToken)
    {
        var timeline = await _instances.ListInstanceEventsAsync(
            new ListInstanceEventsRequest { Parent = instance.Name },
            _auth,
            cancellationToken: cancellationToken
        );
        return timeline.Events;
    }

    private async Task PrintAsync(Instance instance, bool isNew, CancellationToken cancellationToken)
    {
        if (!isNew)
        {
            await _out.WriteLineAsync($"   {instance.ServingName} was launched before; it is {instance.State} now");
        }

        foreach (var happened in isNew ? await EventsAsync(instance, cancellationToken) : [])
        {
            var at = happened.Time.ToDateTimeOffset();
            await _out.WriteLineAsync(
                $"   {at:HH:mm:ss.fff}  {happened.From, -12} → {happened.To, -12} {happened.Trigger, -16} {happened.Reason}"
            );
        }

        if (instance is { State: InstanceState.Failed, Failure: { } failure })
        {
            await _out.WriteLineAsync($"   {failure.Code}: {failure.Message}");
            await _out.WriteLineAsync($"   hint: {failure.Hint}");
            await _out.WriteLineAsync($"   request id: {failure.RequestId}");
        }

        await _out.WriteLineAsync();
    }

    private async Task PrintNextStepsAsync(string account, Uri http, string sum, CancellationToken cancellationToken)
    {
        var key = await DemoKey.EnsureAsync(_calls, _auth, account, _folder, cancellationToken);
        var url = http.ToString().TrimEnd('/');
        await _out.WriteLineAsync(
            $$$"""
            Open {{{url}}} and sign in with the operator's key: {{{_token}}}
            {{{sum}}}

            The API is at the same address; reference: {{{url}}}/reference   key of acct-demo: {{{key}}}

            Try (copy and paste):
              export KEY={{{key}}}
              curl -s -w '\n' -H "Authorization: Bearer $KEY" {{{url}}}/v1/{{{account}}}/instances
              curl -s -w '\n' -H "Authorization: Bearer $KEY" -d '{{{SpecJson}}}' -H 'content-type: application/json' {{{url}}}/v1/{{{account}}}:explainLaunch
              curl -s -w '\n' {{{url}}}/v1/failures/SMART_NO_MATCH

            Stop with Ctrl-C; the same command continues with the stored state, with --fresh it starts over.
            """
        );
    }

    /// <summary>The reason of an error, without the trace.</summary>
    private static string Words(Exception exception) =>
        exception is RpcException refused ? $"{refused.StatusCode}: {refused.Status.Detail}" : exception.Message;
}
