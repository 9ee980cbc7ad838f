using System.Collections.Immutable;
using Scheduler.Domain.Balancers;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Grains.Balancers;
using Scheduler.Inference.Serving;

namespace Scheduler.Inference.Balancers;

/// <summary>
/// State of one balancer in this gateway process: turns, open requests and health of each destination. The lock
/// covers only a few comparisons; nothing waits inside it.
/// </summary>
internal sealed class BalancerState(ServedBalancer balancer, BalancerMetrics metrics, TimeProvider clock)
{
    private const int MostFailures = 50;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, WeightedRoundRobin> _turns = new(StringComparer.Ordinal);
    private readonly Dictionary<string, DestinationState> _destinations = new(StringComparer.Ordinal);
    private readonly Queue<DestinationFailure> _failures = new();
    private HealthPool _health = new(balancer.Spec.Health);
    private ServedBalancer _balancer = balancer;
    private long _picks;
    private long _lastUse = clock.GetTimestamp();

    /// <summary>The balancer as last served.</summary>
    public ServedBalancer Balancer => Volatile.Read(ref _balancer);

    /// <summary>Time since the last request.</summary>
    public TimeSpan Idle => clock.GetElapsedTime(Volatile.Read(ref _lastUse));

    /// <summary>Whether a request is in progress at a destination.</summary>
    public bool IsBusy
    {
        get
        {
            lock (_gate)
            {
                return _destinations.Values.Any(destination => destination.Outstanding > 0);
            }
        }
    }

    /// <summary>Switches to this version of the balancer. Changed health settings discard all health state.</summary>
    public void Use(ServedBalancer served)
    {
        Volatile.Write(ref _lastUse, clock.GetTimestamp());
        if (served.Generation <= Balancer.Generation)
        {
            return;
        }

        lock (_gate)
        {
            if (served.Generation <= _balancer.Generation)
            {
                return;
            }

            if (served.Spec.Health != _balancer.Spec.Health)
            {
                _health = new HealthPool(served.Spec.Health);
            }

            foreach (var gone in _turns.Keys.Where(name => served.Spec.Groups.All(group => group.Name != name)))
            {
                _turns.Remove(gone);
            }

            Volatile.Write(ref _balancer, served);
        }
    }

    /// <summary>Takes a slot for a request at a member of the route; null where no member can take it.</summary>
    public IDestinationLease? TryTake(BalancerRoute route, Destinations known, RoutingQuestion question)
    {
        var now = clock.GetUtcNow();
        lock (_gate)
        {
            UpdateRuns(known);
            var members = CandidatesOf(question.Balancer.Spec.MembersOf(route), known, now);
            if (!members.Any(member => !question.Tried.Contains(member.Instance.Id)))
            {
                return null;
            }

            var group = question.Balancer.Spec.GroupOf(route);
            var picked = members[Pick(group, members, question)];
            var destination = StateOf(picked.Instance.ServingName);
            destination.Outstanding++;
            destination.LastTurn = ++_picks;
            return new DestinationLease(this, picked.Instance, known.Running, question.RequestId);
        }
    }

    /// <summary>Why a destination takes no requests; null when it does.</summary>
    public DestinationOut? WhyOut(string servingName, Destinations known, IReadOnlySet<InstanceId> tried)
    {
        var now = clock.GetUtcNow();
        if (known.Of(servingName) is not { } instance)
        {
            return new DestinationOut(servingName, OutReason.Unknown);
        }

        if (!instance.IsServing)
        {
            var failure = instance.Failure?.Failure;
            return new DestinationOut(
                servingName,
                OutReason.NotRunning,
                instance.State,
                failure?.Code ?? FailureCode.None,
                failure?.Hint
            );
        }

        if (tried.Contains(instance.Id))
        {
            return new DestinationOut(servingName, OutReason.Tried, instance.State);
        }

        lock (_gate)
        {
            var health = _health.Of(servingName);
            return health.ConditionAt(now) switch
            {
                DestinationCondition.Ejected => new DestinationOut(
                    servingName,
                    OutReason.Ejected,
                    instance.State,
                    Until: health.EjectedUntil(now)
                ),
                DestinationCondition.ProbeFailed => new DestinationOut(
                    servingName,
                    OutReason.ProbeFailed,
                    instance.State,
                    ProbeError: health.ProbeError
                ),
                DestinationCondition.Healthy or DestinationCondition.Returning => null,
                _ => throw new System.Diagnostics.UnreachableException(),
            };
        }
    }

    /// <summary>Records the result of a probe; ignores a probe of an earlier run.</summary>
    /// <param name="error">What failed; null for a success.</param>
    public void RecordProbe(ServedInstance probed, string? error)
    {
        lock (_gate)
        {
            if (
                StateOf(probed.ServingName).Run == (probed.Id, probed.Run)
                && _health.Of(probed.ServingName).RecordProbe(clock.GetUtcNow(), error)
            )
            {
                metrics.Ejected("probes");
            }
        }
    }

    /// <summary>
    /// Updates the known runs. A new run starts without recorded failures. Forgets the destinations that are none any more: the replicas of a
    /// service come and go.
    /// </summary>
    public void Follow(Destinations known)
    {
        lock (_gate)
        {
            UpdateRuns(known);
            foreach (var (name, destination) in _destinations)
            {
                if (destination.Outstanding == 0 && !_balancer.Destinations.Contains(name, StringComparer.Ordinal))
                {
                    _destinations.Remove(name);
                    _health.Forget(name);
                }
            }
        }
    }

    /// <summary>The report for the balancer grain. Removes the collected failures.</summary>
    public BalancerReport Report(string gateway, Destinations known)
    {
        var now = clock.GetUtcNow();
        lock (_gate)
        {
            ImmutableArray<DestinationFailure> failures = [.. _failures];
            _failures.Clear();
            return new BalancerReport(
                gateway,
                now,
                [.. _balancer.Spec.Destinations.Select(name => View(name, known.Of(name), now))],
                failures
            );
        }
    }

    /// <summary>Records a failed request at once, so that later picks already see it.</summary>
    internal void Failed(ServedInstance instance, IReadOnlyCollection<string> running) =>
        Record(instance, running, succeeded: false);

    internal void Explained(ServedInstance instance, FailureCode code, string hint, RequestId requestId)
    {
        lock (_gate)
        {
            _failures.Enqueue(
                new DestinationFailure(clock.GetUtcNow(), instance.ServingName, instance.Id, code, hint, requestId)
            );
            if (_failures.Count > MostFailures)
            {
                _failures.Dequeue();
            }
        }
    }

    /// <param name="running">The destinations that ran when the request was sent.</param>
    /// <param name="succeeded">True counts as a success; false records nothing.</param>
    internal void Ended(ServedInstance instance, IReadOnlyCollection<string> running, bool succeeded)
    {
        lock (_gate)
        {
            StateOf(instance.ServingName).Outstanding--;
        }

        if (succeeded)
        {
            Record(instance, running, succeeded: true);
        }
    }

    private void Record(ServedInstance instance, IReadOnlyCollection<string> running, bool succeeded)
    {
        lock (_gate)
        {
            // A result of an earlier run must not count against the current one.
            if (
                StateOf(instance.ServingName).Run == (instance.Id, instance.Run)
                && _health.RecordRequest(instance.ServingName, running, clock.GetUtcNow(), succeeded)
            )
            {
                metrics.Ejected("requests");
            }
        }
    }

    private void UpdateRuns(Destinations known)
    {
        foreach (var instance in known.Instances)
        {
            var destination = StateOf(instance.ServingName);
            var run = (instance.Id, instance.Run);
            if (destination.Run != run)
            {
                destination.Run = run;
                _health.Of(instance.ServingName).Forget();
            }
        }
    }

    private List<Candidate> CandidatesOf(ImmutableArray<GroupMember> members, Destinations known, DateTimeOffset now)
    {
        var candidates = new List<Candidate>(members.Length);
        foreach (var member in members)
        {
            if (known.Of(member.ServingName) is { IsServing: true } instance)
            {
                var health = _health.Of(member.ServingName);
                if (health.ConditionAt(now) is DestinationCondition.Healthy or DestinationCondition.Returning)
                {
                    candidates.Add(new Candidate(instance, (long)member.Weight * health.ShareAt(now)));
                }
            }
        }

        return candidates;
    }

    private int Pick(TargetGroup? group, List<Candidate> members, RoutingQuestion question)
    {
        switch (group?.Policy)
        {
            case GroupPolicy.Session or GroupPolicy.Prefix when question.KeyOf(group.Policy) is { } key:
                return Remembering(key, group.LoadBoundPercent, members, question.Tried);
            case GroupPolicy.LeastOutstanding or GroupPolicy.Session or GroupPolicy.Prefix:
                return LeastBusy(members, question.Tried);
            case GroupPolicy.WeightedRoundRobin or null:
            default:
                return NextInTurn(group?.Name, members, question.Tried);
        }
    }

    private int NextInTurn(string? group, List<Candidate> members, IReadOnlySet<InstanceId> tried)
    {
        if (group is null)
        {
            return 0;
        }

        if (!_turns.TryGetValue(group, out var turns))
        {
            _turns[group] = turns = new WeightedRoundRobin();
        }

        return turns.Pick([
            .. members.Select(m => new Share(m.Instance.ServingName, m.Weight, !tried.Contains(m.Instance.Id))),
        ]);
    }

    private int LeastBusy(List<Candidate> members, IReadOnlySet<InstanceId> tried)
    {
        var open = members.Where(member => !tried.Contains(member.Instance.Id)).ToList();
        var picked = LeastOutstanding.Pick([
            .. open.Select(member =>
            {
                var destination = StateOf(member.Instance.ServingName);
                return new DestinationLoad(destination.Outstanding, member.Weight, destination.LastTurn);
            }),
        ]);
        return members.IndexOf(open[picked]);
    }

    /// <summary>The member that probably has the beginning of the prompt in memory.</summary>
    private int Remembering(ulong key, int? boundPercent, List<Candidate> members, IReadOnlySet<InstanceId> tried)
    {
        var open = members.Where(member => !tried.Contains(member.Instance.Id)).ToList();
        var picked = Affinity.Pick(
            key,
            [
                .. open.Select(member =>
                {
                    var destination = StateOf(member.Instance.ServingName);
                    return new AffinityMember(destination.Number, destination.Outstanding, member.Weight);
                }),
            ],
            boundPercent ?? Affinity.StandardBoundPercent
        );
        return members.IndexOf(open[picked]);
    }

    private DestinationView View(string servingName, ServedInstance? instance, DateTimeOffset now)
    {
        var health = _health.Of(servingName);
        return new DestinationView
        {
            ServingName = servingName,
            Instance = instance?.Id,
            State = instance?.State,
            Condition = health.ConditionAt(now),
            EjectedUntil = health.EjectedUntil(now),
            Ejections = health.Ejections,
            Share = health.ShareAt(now),
            Outstanding = StateOf(servingName).Outstanding,
            FailuresInARow = health.FailuresInARow,
            ProbeError = health.ProbeError,
        };
    }

    private DestinationState StateOf(string servingName)
    {
        if (!_destinations.TryGetValue(servingName, out var destination))
        {
            _destinations[servingName] = destination = new DestinationState(Affinity.NumberOf(servingName));
        }

        return destination;
    }

    /// <summary>A member that takes requests, and its current weight.</summary>
    private sealed record Candidate(ServedInstance Instance, long Weight);

    /// <param name="number">Of its name.</param>
    private sealed class DestinationState(ulong number)
    {
        public ulong Number { get; } = number;

        public (InstanceId, int) Run { get; set; }

        public int Outstanding { get; set; }

        public long LastTurn { get; set; }
    }
}
