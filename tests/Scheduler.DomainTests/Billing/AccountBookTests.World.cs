using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Xunit;

namespace Scheduler.DomainTests.Billing;

/// <summary>The random life itself.</summary>
public sealed partial class AccountBookTests
{
    private sealed class World
    {
        private const int Instances = 3;
        private static readonly MicroEuro Hold = new(1_000_000);

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
            Book = new AccountBook(new AccountRecord { Id = new AccountId("acct-a"), Generation = 1 }, []);
            Book.TopUp(money, "opening", Noon, Request);
        }

        public AccountBook Book { get; private set; }

        public DateTimeOffset Now { get; private set; } = Noon;

        public MicroEuro Available() => Book.Record.Balance - Book.Accrued(Now) - Book.Holds(Now);

        /// <summary>One act; says whether it was a hold that was taken.</summary>
        public bool Step(uint step)
        {
            var i = (int)(step % Instances);
            var id = IdOf(i);
            Now = Now.AddMilliseconds((long)(step / 1000 % 100_000) - 5_000);
            switch (step / Instances % 7)
            {
                case 0 when _since[i] is null && !_held[i]:
                    var taken = Book.TryHold(id, _run[i] + 1, Hold, Now.AddMinutes(30), Now, Request);
                    _held[i] = taken;
                    _run[i] += taken ? 1 : 0;
                    return taken;
                case 1 when _held[i] && _since[i] is null:
                    _since[i] = Now;
                    Book.StartMeter(id, _run[i], Now, PriceOf(i), Request);
                    break;
                case 2 when _held[i]:
                    End(i);
                    break;
                case 3:
                    Enumerable.Range(0, Instances).ToList().ForEach(Expect);
                    Book.Settle(Now);
                    break;
                case 4:
                    Book.Lapse(Now);
                    break;
                case 5:
                    Book.TopUp(new MicroEuro(step % 500), $"top-up-{_topUps++}", Now, Request);
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
                    End(i);
                }
            }
        }

        public void Commit()
        {
            var written = Book.Commit(null);
            _ledger.AddRange(written.NewEntries);
            foreach (var tab in written.ChangedTabs)
            {
                _rows[tab.Instance] = tab;
            }
        }

        public void ReadAgain()
        {
            Commit();
            Book = new AccountBook(Book.Record with { NewEntries = [], ChangedTabs = [] }, _rows.Values);
        }

        public void RepeatEverythingThatIsOver()
        {
            foreach (var (id, run, since, until) in _over)
            {
                Book.Close(id, run, since, until, new MicroEuro(77), Now, Request);
                Book.StartMeter(id, run, Now, new MicroEuro(77), Request);
                Assert.False(Book.TryHold(id, run, new MicroEuro(1), Now.AddMinutes(1), Now, Request));
            }

            for (var i = 0; i < Instances; i++)
            {
                if (_since[i] is { } since)
                {
                    Book.StartMeter(IdOf(i), _run[i], since.AddSeconds(9), new MicroEuro(77), Request);
                }
            }
        }

        public void AddsUp()
        {
            Commit();
            var sum = _ledger.Aggregate(MicroEuro.Zero, (total, entry) => total + entry.Amount);
            Assert.Equal(sum, Book.Record.Balance);
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

        private void End(int i)
        {
            if (_since[i] is { } began)
            {
                // The run's own end has the last word, also over what a settlement before a step back of the clock had billed.
                _expected[$"{IdOf(i)}/{_run[i]}"] = Usage.Seconds(began, Now);
            }

            var until = _since[i] is { } since ? (Now > since ? Now : since) : (DateTimeOffset?)null;
            Book.Close(IdOf(i), _run[i], _since[i], until, PriceOf(i), Now, Request);
            _over.Add((IdOf(i), _run[i], _since[i], until));
            (_since[i], _held[i]) = (null, false);
        }

        /// <summary>What is billed once a settlement at this moment is done; a clock that stepped back takes nothing away.</summary>
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
