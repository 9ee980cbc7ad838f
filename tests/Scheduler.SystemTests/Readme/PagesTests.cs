using Scheduler.TestKit;
using Xunit;

namespace Scheduler.SystemTests.Readme;

/// <summary>Every block of the pages works as pasted, in order, in a clean clone.</summary>
public sealed class PagesTests
{
    /// <summary>Much longer than any block takes, even during a parallel build.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(100);

    private static readonly string[] Pages = ["README.md", "silo-config/README.md", "deploy/README.md"];

    /// <summary>The blocks that the tests cannot run, by page and reason.</summary>
    private static readonly string[] NotRun =
    [
        "README.md: the tests install no Python packages",
        "silo-config/README.md: needs a GPU and a runtime on this host",
        "silo-config/README.md: needs a cluster",
        "silo-config/README.md: needs a second host",
        "silo-config/README.md: needs a host with an engine",
        "silo-config/README.md: rents real capacity",
        "silo-config/README.md: rents real capacity",
        "deploy/README.md: an explicit test publishes, but not to /opt",
        "deploy/README.md: needs systemd and root",
        "deploy/README.md: needs systemd and root",
        "deploy/README.md: needs a Docker engine",
        "deploy/README.md: needs a cluster",
        "deploy/README.md: needs a cluster",
    ];

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private static IEnumerable<PageBlock> Blocks =>
        Pages.SelectMany(page => PageBlock.Of(page, File.ReadAllText(Repository.Path(page))));

    [Fact]
    public async Task Every_block_of_the_pages_works_as_pasted()
    {
        var missing = await NodeProgram.MissingAsync(Ct);
        Assert.SkipUnless(missing is null, $"{missing}");
        await using var machine = await ReaderMachine.NewAsync(Ct);
        Task<bool>? serving = null;
        foreach (var (block, expected) in WithExpected().Where(pair => pair.Block.Reason is null))
        {
            if (block.IsForFirstTerminal)
            {
                await StopAsync(machine, serving);
                serving = await RunAsync(machine, machine.First, block, expected);
                await CopyAsync(machine);
            }
            else
            {
                Assert.Null(await RunAsync(machine, machine.Second, block, expected));
            }
        }

        await StopAsync(machine, serving);
    }

    [Fact]
    public void A_block_that_is_not_run_says_why() =>
        Assert.Equal(
            NotRun,
            Blocks.Where(block => block.Reason is not null).Select(block => $"{block.Page}: {block.Reason}")
        );

    [Theory]
    [InlineData("```sh\nls\n")]
    [InlineData("```\nls\n```\n")]
    [InlineData("```sh no-test:\nls\n```\n")]
    [InlineData("```sh no-test: \nls\n```\n")]
    [InlineData("```csharp\nls\n```\n")]
    public void A_block_without_end_or_with_an_unknown_language_or_note_is_refused(string markdown) =>
        Assert.Throws<FormatException>(() => PageBlock.Of("page", markdown));

    [Theory]
    [InlineData("a … c\n", "x\na b c\n", null)]
    [InlineData("b\na\n", "a\nb\n", "a")]
    [InlineData("a.c\n", "abc\n", "a.c")]
    public void Expected_lines_are_found_in_order(string expected, string printed, string? missing) =>
        Assert.Equal(missing, Expected.FirstMissing(expected, printed));

    private static IEnumerable<(PageBlock Block, PageBlock? Expected)> WithExpected()
    {
        var blocks = Blocks.ToList();
        return blocks
            .Zip(blocks.Skip(1).Append(null))
            .Where(pair => pair.First.Language == PageBlock.Commands)
            .Select(pair => (pair.First, pair.Second?.Language == PageBlock.Output ? pair.Second : null));
    }

    /// <summary>
    /// Runs a block to its end. One that serves in the first terminal does not end: it is run until it has printed what
    /// the page expects.
    /// </summary>
    /// <returns>The end of the block; null if it has ended.</returns>
    private static async Task<Task<bool>?> RunAsync(
        ReaderMachine machine,
        Terminal terminal,
        PageBlock block,
        PageBlock? expected
    )
    {
        var wanted = machine.WithPorts(expected?.Text ?? "");
        var mayServe = block.IsForFirstTerminal && expected is not null;
        var began = TimeProvider.System.GetTimestamp();
        var pasted = terminal.PasteAsync(machine.WithPorts(block.Text), Ct);
        while (
            !pasted.IsCompleted
            && !(mayServe && Expected.FirstMissing(wanted, terminal.Printed) is null)
            && TimeProvider.System.GetElapsedTime(began) < Patience
        )
        {
            await Task.WhenAny(pasted, Task.Delay(Poll, TimeProvider.System, Ct));
        }

        var report = $"{block.Where}\n{block.Text}printed:\n{terminal.Printed}";
        Assert.True(pasted.IsCompleted || mayServe, $"The block does not end: {report}");
        Assert.True(
            !pasted.IsCompleted || await pasted,
            $"The shell ended, for example at an unset variable: {report}"
        );
        Assert.True(terminal.Failed.Length == 0, $"{terminal.Failed}{report}");
        var missing = Expected.FirstMissing(wanted, terminal.Printed);
        Assert.True(missing is null, $"{expected?.Where} expects '{missing}': {report}");
        return pasted.IsCompleted ? null : pasted;
    }

    /// <summary>The calls that the demo prints for the reader to copy work in a new terminal.</summary>
    private static async Task CopyAsync(ReaderMachine machine)
    {
        var calls = machine
            .First.Printed.Split('\n')
            .SkipWhile(line => line != "Try (copy and paste):")
            .Skip(1)
            .TakeWhile(line => line.StartsWith("  ", StringComparison.Ordinal))
            .ToList();
        if (calls.Count > 0)
        {
            await using var terminal = machine.NewTerminal("copy");
            var block = new PageBlock(
                "the calls of the demo",
                1,
                PageBlock.Commands,
                "",
                string.Join('\n', calls) + '\n'
            );
            const string answers = """
                {"instances":[…
                {"wouldLaunch":…
                {"name":"failures/SMART_NO_MATCH"…
                """;
            await RunAsync(machine, terminal, block, block with { Text = answers });
        }
    }

    /// <summary>Ctrl-C in the first terminal, if a block serves there. The scheduler then ends with 0.</summary>
    private static async Task StopAsync(ReaderMachine machine, Task<bool>? serving)
    {
        if (serving is null)
        {
            return;
        }

        await machine.First.InterruptAsync(Ct);
        Assert.True(await serving.WaitAsync(Patience, TimeProvider.System, Ct));
        Assert.True(machine.First.Failed.Length == 0, $"{machine.First.Failed}{machine.First.Printed}");
    }
}
