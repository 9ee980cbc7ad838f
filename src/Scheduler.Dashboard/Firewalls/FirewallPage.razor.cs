using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Globalization;
using Microsoft.AspNetCore.Components;
using Scheduler.Dashboard.Instances;
using Scheduler.Dashboard.Shell;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Instances;
using Scheduler.Grains;
using Scheduler.Grains.Firewalls;

namespace Scheduler.Dashboard.Firewalls;

/// <summary>One firewall: its mode, the state of its judge, and its latest evaluations.</summary>
public sealed partial class FirewallPage
{
    /// <summary>The list returns at most this many evaluations per call.</summary>
    private const int Counted = 1000;

    private const int Size = 50;

    private FirewallRecord _firewall = new() { Draft = new FirewallDraft { Mode = FirewallMode.Block } };
    private FrozenDictionary<string, FirewallRule> _rules = FrozenDictionary<string, FirewallRule>.Empty;
    private EvaluationTally _tally = new([], []);
    private FirewallEvaluation[] _page = [];
    private InstanceRecord? _judge;
    private Failure? _unreachable;
    private bool _isDefault;
    private string? _older;

    [Parameter]
    public string Account { get; set; } = "";

    [Parameter]
    public string Slug { get; set; } = "";

    /// <summary>Sequence number: shows the evaluations before it; null for the newest.</summary>
    [SupplyParameterFromQuery]
    private string? Before { get; set; }

    private bool IsFirst => Number(Before) is null;

    private FirewallDraft Draft => _firewall.Draft!;

    private string First => $"/dashboard/firewalls/{Account}/{Slug}";

    /// <summary>Why the judge is unreachable, and the effect on requests.</summary>
    private string JudgeTrouble =>
        _judge is { } judge
            ? $"The judge {Draft.Judge} is {judge.State.WireName()}. {Meaning}"
            : $"No instance of the account has the serving name of the judge, {Draft.Judge}. {Meaning}";

    private string Meaning =>
        Draft.Mode == FirewallMode.Block ? "Every request is refused." : "Requests are forwarded without a verdict.";

    protected override async Task LoadAsync()
    {
        var (account, slug) = (Addressed.Account(Account), Addressed.Slug(Slug));
        MustSee(account, Slug);
        _firewall = await AskAsync(Grains.Firewalls(account).GetAsync(slug, account), Slug);
        _rules = _firewall.Rules.ToFrozenDictionary(rule => rule.Slug, StringComparer.Ordinal);
        var judge = NamedInstance.FindAsync(Grains, account, Draft.Judge);
        var owner = AskAsync(Grains.Account(account).GetAsync(AccessScope), Account);
        var latest = await ListAsync(long.MaxValue, Counted);
        _tally = new EvaluationTally(latest, Draft.Rules);
        var page = Number(Before) is { } before ? await ListAsync(before, Size + 1) : latest;
        _page = [.. page.Take(Size)];
        _older =
            page.Length > Size
                ? string.Create(CultureInfo.InvariantCulture, $"{First}?before={_page[^1].Sequence}")
                : null;
        _judge = await judge.WaitAsync(Http.RequestAborted);
        _isDefault = string.Equals((await owner).Firewall, slug, StringComparison.Ordinal);
        _unreachable = _judge is { State: InstanceState.Running } ? null : Unreachable();

        Task<ImmutableArray<FirewallEvaluation>> ListAsync(long beforeSequence, int limit) =>
            Grains.Evaluations(account).ListAsync(slug, beforeSequence, limit).WaitAsync(Http.RequestAborted);
    }

    /// <summary>The same failure that a request gets now.</summary>
    private Failure Unreachable() =>
        FailureCatalogue.Describe(
            new JudgeUnreachableFacts(
                _firewall.Account,
                _firewall.Slug,
                Draft.Judge,
                _judge is null ? JudgeFault.NotFound : JudgeFault.NotRunning,
                _judge?.Id,
                _judge?.State.WireName().ToUpperInvariant(),
                Draft.JudgeDeadline,
                null,
                _judge?.Failure?.Failure.Code ?? FailureCode.None
            )
        );

    private string Share(int part) => _tally.Count == 0 ? "–" : Units.Percent((double)part / _tally.Count);

    private string Took(double share) =>
        _tally.Latency(share) is { } took ? $"{Units.Count((long)took.TotalMilliseconds)} ms" : "–";
}
