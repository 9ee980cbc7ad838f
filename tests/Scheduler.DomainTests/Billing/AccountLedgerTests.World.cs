using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Xunit;

namespace Scheduler.DomainTests.Billing;

/// <summary>The simulation of the random sequences.</summary>
public sealed partial class AccountLedgerTests
{
    private sealed class World
    {
        private const int Instances = 3;
        private static readonly MicroEuro HoldAmount = new(1_000_000);

        private readonly List<LedgerEntry> _ledger = [];
        private readonly Dictionary<InstanceId, InstanceTab> _rows = [];
        private readonly int[] _run = new int[Instances];
        private readonly DateTimeOffset?[] _since = new DateTimeOffset?[Instances];
        private readonly bool[] _held = new bool[Instances];
        private readonly Dictionary<string, long> _expected = [];
        private readonly List<(InstanceId Id, int Run, DateTimeOffset? Since, DateTimeOffset? Until)> _over = [];
        private int _topUps;

        public World(MicroEuro money)
        {
            Ledger = new AccountLedger(new AccountRecord { Id = new AccountId("acct-a"), Generation = 1 }, []);
            Ledger.TopUp(money, "opening", Noon, Request);
        }

        public AccountLedger Ledger { get; private set; }

        public DateTimeOffset Now { get; private set; } = Noon;

        public MicroEuro Available() => Ledger.Record.Balance - Ledger.Accrued(Now) - Ledger.Holds(Now);

        /// <summary>Does one action; returns whether it took a hold.</summary>
        public bool Step(uint step)
        {
            var i = (int)(step % Instances);
            var id = IdOf(i);
            Now = Now.AddMilliseconds((long)(step / 1000 % 100_000) - 5_000);
            switch (step / Instances % 7)
            {
                case 0 when _since[i] is null && !_held[i]:
                    var taken = Ledger.TryHold(Hold(id, _run[i] + 1, HoldAmount, Now.AddMinutes(30)), Now);
                    _held[i] = taken;
                    _run[i] += taken ? 1 : 0;
                    return taken;
                case 1 when _held[i] && _since[i] is null:
                    _since[i] = Now;
                    Ledger.StartMeter(Start(id, _run[i], Now, PriceOf(i)));
                    break;
                case 2 when _held[i]:
                    EndRun(i);
                    break;
                case 3:
                    Enumerable.Range(0, Instances).ToList().ForEach(Expect);
                    Ledger.Settle(Now);
                    break;
                case 4:
                    Ledger.Lapse(Now);
                    break;
                case 5:
                    Ledger.TopUp(new MicroEuro(step % 500), $"top-up-{_topUps++}", Now, Request);
                    break;
                default:
                    Commit();
                    break;
            }

            return false;
        }

        public void CloseAll()
        {
            for (var i = 0; i < Instances; i++)
            {
                if (_held[i])
                {
                    EndRun(i);
                }
            }
        }

        public void Commit()
        {
            var written = Ledger.Commit(null);
            _ledger.AddRange(written.NewEntries);
            foreach (var tab in written.ChangedTabs)
            {
                _rows[tab.Instance] = tab;
            }
        }

        public void ReadAgain()
        {
            Commit();
            Ledger = new AccountLedger(Ledger.Record with { NewEntries = [], ChangedTabs = [] }, _rows.Values);
        }

        public void RepeatEverythingThatIsOver()
        {
            foreach (var (id, run, since, until) in _over)
            {
                Ledger.Close(End(id, run, since, until, new MicroEuro(77)), Now);
                Ledger.StartMeter(Start(id, run, Now, new MicroEuro(77)));
                Assert.False(Ledger.TryHold(Hold(id, run, new MicroEuro(1), Now.AddMinutes(1)), Now));
            }

            for (var i = 0; i < Instances; i++)
            {
                if (_since[i] is { } since)
                {
                    Ledger.StartMeter(Start(IdOf(i), _run[i], since.AddSeconds(9), new MicroEuro(77)));
                }
            }
        }

        public void AddsUp()
        {
            Commit();
            var sum = _ledger.Aggregate(MicroEuro.Zero, (total, entry) => total + entry.Amount);
            Assert.Equal(sum, Ledger.Record.Balance);
            Assert.Equal(_ledger.Count, _ledger.Select(entry => entry.Key).Distinct().Count());
            Assert.Equal(Enumerable.Range(1, _ledger.Count).Select(n => (long)n), _ledger.Select(e => e.Sequence));
        }

        public void BilledAsRun()
        {
            var billed = _ledger
                .Where(entry => entry.Kind == LedgerEntryKind.Usage)
                .GroupBy(entry => $"{entry.Instance}/{entry.Run}")
                .Where(run => run.Sum(e => e.Seconds) > 0)
                .ToDictionary(run => run.Key, run => (run.Sum(e => e.Seconds), run.Sum(e => e.Amount.Value)));
            foreach (var (run, seconds) in _expected.Where(run => run.Value > 0))
            {
                var price = PriceOf(run[2] - '0');
                Assert.Equal((seconds, -Usage.Cost(price, seconds).Value), billed[run]);
            }

            Assert.Equal(_expected.Count(run => run.Value > 0), billed.Count);
        }

        private static InstanceId IdOf(int i) => new($"i-{i}");

        private static MicroEuro PriceOf(int i) => new((1_000_003L * (i + 1)) + 1);

        private void EndRun(int i)
        {
            if (_since[i] is { } began)
            {
                // The end of the run decides, even if a settlement before a clock setback billed more.
                _expected[$"{IdOf(i)}/{_run[i]}"] = Usage.Seconds(began, Now);
            }

            var until = _since[i] is { } since ? (Now > since ? Now : since) : (DateTimeOffset?)null;
            Ledger.Close(End(IdOf(i), _run[i], _since[i], until, PriceOf(i)), Now);
            _over.Add((IdOf(i), _run[i], _since[i], until));
            (_since[i], _held[i]) = (null, false);
        }

        /// <summary>
        /// Records the seconds that a settlement bills now; a clock that was set back reduces nothing.
        /// </summary>
        private void Expect(int i)
        {
            if (_since[i] is { } since)
            {
                var run = $"{IdOf(i)}/{_run[i]}";
                _expected[run] = Math.Max(_expected.GetValueOrDefault(run), Usage.Seconds(since, Now));
            }
        }
    }
}
