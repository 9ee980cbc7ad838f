using System.Collections.Immutable;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Grains;
using Scheduler.Grains.Billing;
using Scheduler.Grains.Instances;
using Scheduler.TestKit;

namespace Scheduler.ClusterTests.Simulation;

/// <summary>
/// External clients. Each has an instance, sends one command after another, sometimes two at once, and repeats a
/// command without an answer.
/// </summary>
internal sealed class SimulatedClients(SimulatedWorld world, SimulatedNetwork network)
{
    private readonly Turns _turns = new(world);
    private readonly GrainReferences _grains = new(network.RuntimeOf(null));
    private readonly SimulatedClock _clock = new(world);
    private readonly AccountId[] _accounts = [Make.Account("a"), Make.Account("b")];
    private int _requests;
    private int _living;
    private bool _isOver;

    /// <summary>Acknowledged commands.</summary>
    public List<Acknowledged> AcknowledgedCommands { get; } = [];

    public bool AreDone => _living == 0;

    public void Begin(int count)
    {
        for (var i = 0; i < count; i++)
        {
            var number = i;
            _living++;
            _turns.Begin(() => LiveAsync(number));
        }
    }

    /// <summary>Clients start no further lifecycle.</summary>
    public void End() => _isOver = true;

    private async Task LiveAsync(int number)
    {
        var account = _accounts[number % 2];
        await InsistAsync(
            "Create",
            account,
            null,
            null,
            context => _grains.Account(account).CreateAsync(new CreateAccount(account.Value, TimeSpan.Zero), context)
        );
        await TopUpAsync(account, number);
        for (var life = 0; !_isOver; life++)
        {
            await LiveOnceAsync(account, number, life);
        }

        _living--;
    }

    private async Task LiveOnceAsync(AccountId account, int number, int life)
    {
        var id = new InstanceId($"i-{number}-{life}");
        var spec = Make.Spec() with
        {
            AutoReroute = world.Random.Next(2) == 0,
            AllocationTimeout = TimeSpan.FromSeconds(world.Random.Next(10, 40)),
            StartTimeout = TimeSpan.FromSeconds(world.Random.Next(20, 60)),
            WaitForCapacity = world.Random.Next(2) == 0 ? TimeSpan.FromSeconds(world.Random.Next(10, 90)) : null,
        };
        var command = new CreateInstance(
            account,
            $"serve-{number}",
            spec,
            ImmutableSortedDictionary<string, string>.Empty
        );
        var isThere = await InsistAsync(
            "Create",
            account,
            id,
            null,
            context => _grains.Instance(id).CreateAsync(command, context)
        );
        for (var step = 0; isThere && !_isOver; step++)
        {
            await Task.Delay(world.Between(0, 25), _clock);
            switch (world.Random.Next(12))
            {
                case 0 when await DoAsync("Delete", account, id, context => _grains.Instance(id).DeleteAsync(context)):
                    return;
                case 1:
                    await TopUpAsync(account, (1000 * (life + 1)) + (100 * number) + step);
                    break;
                case 2 or 3 or 4 or 5:
                    await DoAsync("Stop", account, id, context => _grains.Instance(id).StopAsync(context));
                    break;
                case 6:
                    await Task.WhenAll(
                        DoAsync("Start", account, id, context => _grains.Instance(id).StartAsync(context)),
                        DoAsync("Stop", account, id, context => _grains.Instance(id).StopAsync(context))
                    );
                    break;
                default:
                    await DoAsync("Start", account, id, context => _grains.Instance(id).StartAsync(context));
                    break;
            }
        }

        if (!isThere)
        {
            // The name of the previous instance is not free yet.
            await Task.Delay(world.Between(1, 10), _clock);
        }
    }

    private Task<bool> DoAsync(
        string verb,
        AccountId account,
        InstanceId id,
        Func<CommandContext, Task<Answer<InstanceRecord>>> command
    ) => InsistAsync(verb, account, id, null, command);

    private Task<bool> TopUpAsync(AccountId account, int number)
    {
        var amount = Make.Euros(world.Random.Next(1, 6));
        var reference = $"bank-{account.Value}-{number}";
        return InsistAsync(
            "TopUp",
            account,
            null,
            reference,
            context => _grains.Account(account).TopUpAsync(amount, reference, context)
        );
    }

    /// <summary>A client whose call failed sends the same command again, a few times.</summary>
    /// <returns>Whether the command was acknowledged.</returns>
    private async Task<bool> InsistAsync<T>(
        string verb,
        AccountId account,
        InstanceId? instance,
        string? reference,
        Func<CommandContext, Task<Answer<T>>> command
    )
        where T : class
    {
        const int Tries = 12;
        var requests = new List<RequestId>();
        var idempotency = $"op-{++_requests}";
        for (var left = Tries; left > 0; left--)
        {
            var request = new RequestId($"req-{++_requests}");
            requests.Add(request);
            try
            {
                var answer = await command(new CommandContext(request, "simulated client", account, idempotency));
                world.Record($"user  gets {verb} {instance} {reference}: {(answer.IsOk ? "ok" : answer.Refusal.Kind)}");
                // A launch that failed its checks is recorded, as is one that passed them.
                var isDone = answer.IsOk || answer.Refusal.Kind == RefusalKind.Failed;
                if (isDone && (instance is not null || reference is not null))
                {
                    AcknowledgedCommands.Add(new Acknowledged(verb, account, instance, reference, requests));
                }

                return answer.IsOk;
            }
            catch (Exception exception)
            {
                world.Record($"user  gets no answer to {verb} {instance}: {exception.GetType().Name}");
                await Task.Delay(world.Between(0.1, 3), _clock);
            }
        }

        return false;
    }
}
