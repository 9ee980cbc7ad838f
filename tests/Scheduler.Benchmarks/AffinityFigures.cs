using System.Globalization;
using Scheduler.Domain.Balancers;

namespace Scheduler.Benchmarks;

/// <summary>
/// Share of the blocks of all prompts that the chosen replica has seen before. It compares the policies of a target group
/// with one cache that all replicas would share.
/// </summary>
internal static class AffinityFigures
{
    private const int Replicas = 8;
    private const int BlockTokens = 16;
    private const int PrefixTokens = 1000;
    private const double PrefillTokensPerSecond = 8_000;
    private const double AnswerTokensPerSecond = 40;

    public static void Run(string[] args)
    {
        var chats = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 8_000;
        var seed = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 1;
        var turns = PromptTrace.Of(seed, chats);
        var lasted = turns[^1].At;
        Console.WriteLine(
            Text(
                $"seed {seed}: {turns.Count} requests of {chats} chats in {lasted / 3600:0.0} h, {turns.Average(turn => turn.PromptTokens):0} prompt tokens and {turns.Average(turn => turn.AnswerTokens):0} answer tokens each, {Replicas} replicas"
            )
        );
        foreach (
            var (memory, blocks) in new[]
            {
                ("all it has seen", int.MaxValue),
                ("the last 0.5 M tokens", 500_000 / BlockTokens),
            }
        )
        {
            Console.WriteLine();
            Console.WriteLine(
                $"| policy, each replica remembers {memory} | blocks seen before | of ideal | requests, max / mean | tokens computed, max / mean | requests moved by the bound |"
            );
            Console.WriteLine("|---|--:|--:|--:|--:|--:|");
            var ideal = Simulate(turns, blocks, new Choice("one shared cache (ideal)", null, 0), shared: true);
            foreach (var choice in Choices)
            {
                Print(Simulate(turns, blocks, choice, shared: false), ideal);
            }

            Print(ideal, ideal);
        }
    }

    private static IEnumerable<Choice> Choices =>
        [
            new("round robin", GroupPolicy.WeightedRoundRobin, 0),
            new("least outstanding", GroupPolicy.LeastOutstanding, 0),
            .. new[] { 125, 150, 200, 300 }.SelectMany(bound =>
                new Choice[]
                {
                    new(Text($"session, bound {bound} %"), GroupPolicy.Session, bound),
                    new(Text($"prefix, bound {bound} %"), GroupPolicy.Prefix, bound),
                }
            ),
        ];

    private static Result Simulate(List<Turn> turns, int mostBlocks, Choice choice, bool shared)
    {
        var replicas = Enumerable
            .Range(0, Replicas)
            .Select(i => new Replica(Affinity.NumberOf(Text($"replica-{i}"))))
            .ToArray();
        var caches = shared
            ? Enumerable
                .Repeat(new BlockCache((int)Math.Min((long)mostBlocks * Replicas, int.MaxValue)), Replicas)
                .ToArray()
            : [.. replicas.Select(_ => new BlockCache(mostBlocks))];
        var (turnsTaken, ended) = (new WeightedRoundRobin(), new PriorityQueue<Replica, double>());
        var (seen, all, moved, picks) = (0L, 0L, 0, 0L);
        foreach (var turn in turns)
        {
            while (ended.TryPeek(out var free, out var end) && end <= turn.At)
            {
                ended.Dequeue();
                free.Outstanding--;
            }

            var at = PickOf(choice, turn, replicas, turnsTaken, ref moved);
            var replica = replicas[at];
            replica.LastTurn = ++picks;
            replica.Outstanding++;
            replica.Requests++;
            var (known, blocks) = caches[at].Use(turn);
            seen += known;
            all += blocks;
            var computed = turn.PromptTokens - ((long)known * BlockTokens);
            replica.Computed += computed + turn.AnswerTokens;
            ended.Enqueue(
                replica,
                turn.At + (computed / PrefillTokensPerSecond) + (turn.AnswerTokens / AnswerTokensPerSecond)
            );
        }

        return new Result(
            choice.Name,
            (double)seen / all,
            replicas.Max(one => one.Requests) / replicas.Average(one => one.Requests),
            replicas.Max(one => one.Computed) / replicas.Average(one => one.Computed),
            (double)moved / turns.Count
        );
    }

    private static int PickOf(Choice choice, Turn turn, Replica[] replicas, WeightedRoundRobin turns, ref int moved)
    {
        switch (choice.Policy)
        {
            case GroupPolicy.Session or GroupPolicy.Prefix:
                var key = Affinity.NumberOf(
                    choice.Policy == GroupPolicy.Session || turn.SystemTokens < PrefixTokens
                        ? Text($"chat {turn.Chat}")
                        : Text($"application {turn.Application}")
                );
                var picked = Affinity.Pick(
                    key,
                    [.. replicas.Select(one => new AffinityMember(one.Number, one.Outstanding, 1))],
                    choice.Bound
                );
                var home = Affinity.Pick(
                    key,
                    [.. replicas.Select(one => new AffinityMember(one.Number, 0, 1))],
                    choice.Bound
                );
                moved += picked == home ? 0 : 1;
                return picked;
            case null or GroupPolicy.LeastOutstanding:
                return LeastOutstanding.Pick([
                    .. replicas.Select(one => new DestinationLoad(one.Outstanding, 1, one.LastTurn)),
                ]);
            case GroupPolicy.WeightedRoundRobin:
            default:
                return turns.Pick([.. replicas.Select((_, i) => new Share(Text($"{i}"), 1))]);
        }
    }

    private static void Print(Result result, Result ideal) =>
        Console.WriteLine(
            Text(
                $"| {result.Name} | {result.Seen:0.0%} | {result.Seen / ideal.Seen:0.000} | {result.Requests:0.00} | {result.Computed:0.00} | {result.Moved:0.0%} |"
            )
        );

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    /// <param name="Bound">Percent of the mean load.</param>
    private sealed record Choice(string Name, GroupPolicy? Policy, int Bound);

    private sealed record Result(string Name, double Seen, double Requests, double Computed, double Moved);

    private sealed class Replica(ulong number)
    {
        public ulong Number { get; } = number;

        public int Outstanding { get; set; }

        public long LastTurn { get; set; }

        public int Requests { get; set; }

        /// <summary>Tokens of prompts that were not seen before, and of answers.</summary>
        public long Computed { get; set; }
    }

    /// <summary>The blocks that a replica remembers, the longest unused forgotten first.</summary>
    private sealed class BlockCache(int mostBlocks)
    {
        private readonly Dictionary<(int Owner, int Block), LinkedListNode<(int Owner, int Block)>> _known = [];
        private readonly LinkedList<(int Owner, int Block)> _order = new();

        /// <summary>Uses the blocks of a prompt, and remembers them and those of the answer.</summary>
        /// <returns>The number of blocks from the beginning that were known, and of all whole blocks.</returns>
        public (int Known, int Blocks) Use(Turn turn)
        {
            var blocks = turn.PromptTokens / BlockTokens;
            var known = 0;
            while (known < blocks && _known.ContainsKey(BlockOf(turn, known)))
            {
                known++;
            }

            // The end first, so that the beginning is forgotten last.
            for (var block = ((turn.PromptTokens + turn.AnswerTokens) / BlockTokens) - 1; block >= 0; block--)
            {
                Remember(BlockOf(turn, block));
            }

            return (known, blocks);
        }

        /// <summary>A block within the system prompt belongs to the application, any other to the chat.</summary>
        private static (int Owner, int Block) BlockOf(Turn turn, int block) =>
            ((block + 1) * BlockTokens <= turn.SystemTokens ? -1 - turn.Application : turn.Chat, block);

        private void Remember((int Owner, int Block) block)
        {
            if (_known.TryGetValue(block, out var node))
            {
                _order.Remove(node);
                _order.AddLast(node);
                return;
            }

            _known[block] = _order.AddLast(block);
            if (_known.Count > mostBlocks)
            {
                _known.Remove(_order.First!.Value);
                _order.RemoveFirst();
            }
        }
    }
}
