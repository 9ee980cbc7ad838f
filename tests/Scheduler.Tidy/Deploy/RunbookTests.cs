using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Data.Sqlite;
using Scheduler.Api.OpenApi;
using Scheduler.Domain.Failures;
using Scheduler.Storage;
using Scheduler.Storage.Sqlite;
using Xunit;

namespace Scheduler.Tidy.Deploy;

/// <summary>The instructions of a runbook must work.</summary>
public sealed partial class RunbookTests
{
    public static TheoryData<string> Pages => [.. Repo.Files("deploy", "*.md").Select(Repo.Relative)];

    [Fact]
    public void Every_failure_code_has_a_runbook_and_every_runbook_a_code()
    {
        var pages = Directory
            .EnumerateFiles(Repo.Path("deploy", "runbooks", "failures"))
            .Select(Path.GetFileNameWithoutExtension)
            .Order(StringComparer.Ordinal);
        Assert.Equal(
            FailureCatalogue.All.Select(definition => definition.Code.WireName()).Order(StringComparer.Ordinal),
            pages
        );
    }

    [Fact]
    public void Every_runbook_states_the_meaning_where_to_look_and_what_to_do()
    {
        Assert.All(
            Repo.Files("deploy/runbooks/alerts", "*.md").Concat(Repo.Files("deploy/runbooks/failures", "*.md")),
            page =>
            {
                var lines = File.ReadAllLines(page);
                Assert.Equal($"# {Path.GetFileNameWithoutExtension(page)}", lines[0]);
                Assert.Equal(
                    ["## Look", "## Do"],
                    lines.Where(line => line.StartsWith("## ", StringComparison.Ordinal))
                );
            }
        );
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void Every_API_call_in_a_runbook_exists(string page)
    {
        using var document = JsonDocument.Parse(new OpenApiDocumentSource().Json);
        var known = document
            .RootElement.GetProperty("paths")
            .EnumerateObject()
            .SelectMany(path =>
                path.Value.EnumerateObject().Select(verb => $"{verb.Name.ToUpperInvariant()} {path.Name}")
            )
            .Select(call => (Call: call, Pattern: PatternOf(call)))
            .ToList();
        var unknown = Call()
            .Matches(File.ReadAllText(Repo.Path(page)))
            .Select(call => $"{VerbOf(call.Value)} {call.Groups["path"].Value}")
            .Where(call => !call.EndsWith("/livez", StringComparison.Ordinal))
            .Where(call => !call.EndsWith("/readyz", StringComparison.Ordinal))
            .Where(call => !call.EndsWith("/metrics", StringComparison.Ordinal))
            .Where(call => !known.Exists(path => path.Pattern.IsMatch(call)));
        Assert.Empty(unknown);
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void Every_SQL_statement_in_a_runbook_matches_the_schema(string page)
    {
        var statements = Sql()
            .Matches(File.ReadAllText(Repo.Path(page)))
            .SelectMany(block => block.Groups["sql"].Value.Split(';', StringSplitOptions.TrimEntries))
            .Where(statement => statement.Length > 0)
            .ToList();
        var folder = Directory.CreateTempSubdirectory("scheduler-sql-");
        try
        {
            var options = new StorageOptions { Sqlite = { Path = Path.Combine(folder.FullName, "scheduler.db") } };
            using (SqliteStore.Open(options, TimeProvider.System)) { }
            using var database = new SqliteConnection($"Data Source={options.Sqlite.Path};Mode=ReadOnly;Pooling=False");
            database.Open();
            foreach (var statement in statements)
            {
                using var command = database.CreateCommand();
#pragma warning disable CA2100 // It comes from a page of this repository.
                command.CommandText = statement;
#pragma warning restore CA2100
                using var rows = command.ExecuteReader();
                Assert.True(rows.FieldCount > 0, statement);
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task Every_runbook_query_is_valid_PromQL_over_existing_metrics()
    {
        var queries = Pages
            .SelectMany(page => PromQl().Matches(File.ReadAllText(Repo.Path(page.Data))))
            .SelectMany(block => block.Groups["query"].Value.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            .ToList();
        Assert.NotEmpty(queries);
        Assert.All(
            queries.SelectMany(MetricsPage.NamesIn),
            name => Assert.True(MetricsPage.Knows(name), $"A page queries the unknown metric {name}.")
        );
        await PromTool.AssertReadableAsync(queries);
    }

    private static string VerbOf(string command) =>
        VerbSaid().Match(command) is { Success: true } said ? said.Groups["verb"].Value
        : command.Contains(" -d '{", StringComparison.Ordinal) ? "POST"
        : "GET";

    private static Regex PatternOf(string call)
    {
        var pattern = new StringBuilder("^");
        foreach (var piece in Variable().Split(call))
        {
            pattern.Append(pattern.Length == 1 ? "" : "([A-Z_]+|-)").Append(Regex.Escape(piece));
        }

        return new Regex(pattern.Append('$').ToString(), RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));
    }

    [GeneratedRegex(@"curl [^\n`]*?\$API(?<path>/[^""\s]*)[^\n]*", RegexOptions.ExplicitCapture)]
    private static partial Regex Call();

    [GeneratedRegex(@"-X (?<verb>[A-Z]+) ", RegexOptions.ExplicitCapture)]
    private static partial Regex VerbSaid();

    [GeneratedRegex(@"\{[^}]+\}")]
    private static partial Regex Variable();

    [GeneratedRegex(@"```sql\n(?<sql>.*?)```", RegexOptions.ExplicitCapture | RegexOptions.Singleline)]
    private static partial Regex Sql();

    [GeneratedRegex(@"```promql\n(?<query>.*?)```", RegexOptions.ExplicitCapture | RegexOptions.Singleline)]
    private static partial Regex PromQl();
}
