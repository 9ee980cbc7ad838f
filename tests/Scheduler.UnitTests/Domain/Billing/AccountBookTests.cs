using FsCheck;
using FsCheck.Xunit;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Xunit;

namespace Scheduler.UnitTests.Domain.Billing;

/// <summary>
/// Random lives of a few instances on one account, as their grains would drive it, with repeats, commits, settlements and a clock that
/// steps back. Each number of a list picks the next act.
/// </summary>
public sealed class AccountBookTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly RequestId Request = new("req-1");

    [Property(MaxTest = 500)]
    public void INV_05_the_ledger_adds_up_and_bills_each_second_of_each_run_once(DoNotSize<uint>[] steps)
    {
        var world = new World(new MicroEuro(50_000_000));
        foreach (var step in steps.Select(number => number.Item))
        {
            world.Step(step);
            world.AddsUp();
        }

        world.CloseAll();
        world.AddsUp();
        Assert.Equal(MicroEuro.Zero, world.Book.Accrued(world.Now));
        Assert.Equal(MicroEuro.Zero, world.Book.BurnPerHour());
        world.BilledAsRun();
    }

    [Property(MaxTest = 500)]
    public void INV_06_no_hold_is_taken_that_leaves_less_than_nothing(DoNotSize<uint>[] steps)
    {
        var world = new World(new MicroEuro(5_000_000));
        foreach (var step in steps.Select(number => number.Item))
        {
            if (world.Step(step))
            {
                Assert.True(world.Available() >= MicroEuro.Zero, "a hold was taken that was not there");
            }
        }

        world.CloseAll();
        Assert.Equal(MicroEuro.Zero, world.Book.Holds(world.Now));
    }

    [Property(MaxTest = 300)]
    public void INV_05_a_message_about_a_run_that_is_over_changes_nothing(DoNotSize<uint>[] steps)
    {
        var world = new World(new MicroEuro(50_000_000));
        foreach (var step in steps.Select(number => number.Item))
        {
            world.Step(step);
            world.Commit();
            world.RepeatEverythingThatIsOver();
            Assert.False(world.Book.IsDirty);
        }
    }

    [Property(MaxTest = 300)]
    public void A_book_read_again_from_what_was_committed_goes_on_the_same(DoNotSize<uint>[] steps)
    {
        var (kept, read) = (new World(new MicroEuro(50_000_000)), new World(new MicroEuro(50_000_000)));
        foreach (var step in steps.Select(number => number.Item))
        {
            kept.Step(step);
            read.Step(step);
            read.ReadAgain();
            Assert.Equal(kept.Book.Record.Balance, read.Book.Record.Balance);
            Assert.Equal(kept.Book.Holds(kept.Now), read.Book.Holds(read.Now));
            Assert.Equal(kept.Book.Accrued(kept.Now), read.Book.Accrued(read.Now));
        }
    }

    [Property]
    public void The_moment_the_money_ends_is_right_to_the_second(uint money, ushort price, ushort passed)
    {
        var hourly = new MicroEuro(price + 1L);
        var book = Rich(new MicroEuro(money + 10_000L));
        book.StartMeter(new InstanceId("i-1"), 1, Noon, hourly, Request);
        var now = Noon.AddSeconds(passed);
        var ends = book.ExhaustedAt(now)!.Value;

        if (book.Record.Balance >= book.Accrued(now))
        {
            Assert.True(book.Record.Balance - book.Accrued(ends) >= MicroEuro.Zero);
            Assert.True(book.Record.Balance - book.Accrued(ends.AddSeconds(1)) <= MicroEuro.Zero);
        }
        else
        {
            Assert.Equal(now, ends);
        }
    }

    [Fact]
    public void A_hold_is_drawn_down_by_its_meter_so_that_no_euro_counts_twice()
    {
        var book = Rich(new MicroEuro(3_000_000));
        var (one, other) = (new InstanceId("i-1"), new InstanceId("i-2"));
        var hourly = new MicroEuro(1_200_000);
        Assert.True(book.TryHold(one, 1, hourly, Noon.AddHours(1), Noon, Request));
        book.StartMeter(one, 1, Noon, hourly, Request);

        foreach (var minutes in new[] { 0, 15, 59, 60 })
        {
            Assert.Equal(
                new MicroEuro(1_800_000),
                book.Record.Balance - book.Accrued(Noon.AddMinutes(minutes)) - book.Holds(Noon.AddMinutes(minutes))
            );
        }

        // Past the hour the run eats into what is left.
        Assert.False(book.TryHold(other, 1, new MicroEuro(1_800_000), Noon.AddHours(2), Noon.AddMinutes(61), Request));
        Assert.True(book.TryHold(other, 1, new MicroEuro(1_780_000), Noon.AddHours(2), Noon.AddMinutes(61), Request));
    }

    [Fact]
    public void INV_06_a_hold_that_is_taken_again_replaces_itself_and_lapses_on_time()
    {
        var book = Rich(new MicroEuro(1_000_000));
        var one = new InstanceId("i-1");
        Assert.True(book.TryHold(one, 1, new MicroEuro(900_000), Noon.AddMinutes(1), Noon, Request));
        Assert.True(book.TryHold(one, 1, new MicroEuro(1_000_000), Noon.AddMinutes(2), Noon, Request));
        Assert.False(book.TryHold(one, 1, new MicroEuro(1_000_001), Noon.AddMinutes(2), Noon, Request));
        Assert.Equal(new MicroEuro(1_000_000), book.Holds(Noon));

        book.Lapse(Noon.AddSeconds(119));
        Assert.Equal(new MicroEuro(1_000_000), book.Holds(Noon));
        Assert.Equal(Noon.AddMinutes(2), book.NextAct(Noon, TimeSpan.FromHours(1)));
        book.Lapse(Noon.AddMinutes(2));
        Assert.Equal(MicroEuro.Zero, book.Holds(Noon));
    }

    [Fact]
    public void A_run_never_opens_over_one_that_still_runs()
    {
        var book = Rich(new MicroEuro(9_000_000));
        var one = new InstanceId("i-1");
        book.StartMeter(one, 1, Noon, new MicroEuro(1), Request);

        Assert.Throws<InvalidOperationException>(() =>
            book.TryHold(one, 2, new MicroEuro(1), Noon, Noon.AddSeconds(1), Request)
        );
        Assert.Throws<InvalidOperationException>(() => book.StartMeter(one, 2, Noon, new MicroEuro(1), Request));
        Assert.Throws<InvalidOperationException>(() => book.Close(one, 2, null, null, new MicroEuro(1), Noon, Request));
        Assert.Throws<InvalidOperationException>(() => book.Forget(one));
    }

    [Fact]
    public void A_run_whose_meter_never_started_here_is_billed_whole_by_its_close()
    {
        var book = Rich(new MicroEuro(9_000_000));
        book.Close(new InstanceId("i-1"), 1, Noon, Noon.AddSeconds(90.5), new MicroEuro(3_600_000), Noon, Request);
        Assert.Equal(new MicroEuro(9_000_000 - 90_000), book.Record.Balance);
    }

    [Fact]
    public void INV_05_a_settlement_that_ran_past_the_end_of_the_run_is_given_back()
    {
        var book = Rich(new MicroEuro(9_000_000));
        var one = new InstanceId("i-1");
        book.StartMeter(one, 1, Noon, new MicroEuro(3_600_000), Request);
        book.Settle(Noon.AddHours(2));
        Assert.False(book.HasMoney(Noon.AddHours(3)));

        book.Close(one, 1, Noon, Noon.AddSeconds(90), new MicroEuro(3_600_000), Noon.AddHours(2), Request);

        Assert.Equal(new MicroEuro(9_000_000 - 90_000), book.Record.Balance);
        Assert.True(book.HasMoney(Noon.AddHours(3)));
        var usage = book.Commit(null).NewEntries.Where(entry => entry.Kind == LedgerEntryKind.Usage).ToList();
        Assert.Equal(90, usage.Sum(entry => entry.Seconds));
        Assert.Equal(2, usage.Select(entry => entry.Key).Distinct().Count());
    }

    [Fact]
    public void What_may_not_be_forgotten_stays()
    {
        var book = Rich(new MicroEuro(9_000_000));
        var one = new InstanceId("i-1");
        book.StartMeter(one, 1, Noon, new MicroEuro(1), Request);
        Assert.Throws<InvalidOperationException>(() => book.Forget(one));
        Assert.Single(book.Metered);
        Assert.Single(book.Commit(null).ChangedTabs);
    }

    [Fact]
    public void A_balance_that_would_not_fit_throws_and_changes_nothing()
    {
        var book = Rich(new MicroEuro(1));
        Assert.Throws<OverflowException>(() => book.TopUp(new MicroEuro(long.MaxValue), "x", Noon, Request));
        Assert.Equal(new MicroEuro(1), book.Record.Balance);
        Assert.Single(book.Commit(null).NewEntries);
    }

    private static AccountBook Rich(MicroEuro money)
    {
        var book = new AccountBook(new AccountRecord { Id = new AccountId("acct-a"), Generation = 1 }, []);
        book.TopUp(money, "opening", Noon, Request);
        return book;
    }

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
