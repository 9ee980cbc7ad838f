using System.Text.Json;
using System.Text.RegularExpressions;
using Scheduler.Domain.Failures;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.DomainTests.Failures;

public sealed partial class FailureCatalogueTests
{
    /// <summary>Numbers and names are stored and public, so entries are only added.</summary>
    private static readonly (int Number, string Name)[] Published =
    [
        (1, "AUTH_MISSING_TOKEN"),
        (2, "AUTH_INVALID_TOKEN"),
        (3, "AUTH_REVOKED_TOKEN"),
        (10, "BILLING_BELOW_MINIMUM"),
        (11, "GPU_INCOMPATIBLE"),
        (12, "SMART_NO_MATCH"),
        (13, "PROVIDER_TIMEOUT"),
        (14, "PROVIDER_REJECTED"),
        (20, "OOM_KILLED"),
        (21, "CTX_TOO_LARGE"),
        (22, "FIREWALL_BLOCKED"),
        (23, "JUDGE_UNREACHABLE"),
        (30, "IMAGE_PULL_FAILED"),
        (31, "MODEL_LOAD_ERROR"),
        (32, "RUNTIME_START_TIMEOUT"),
        (33, "RUNTIME_EXITED"),
        (34, "PREEMPTED"),
        (35, "BALANCE_EXHAUSTED"),
        (40, "INSTANCE_NOT_RUNNING"),
        (41, "MODEL_NOT_FOUND"),
        (42, "RATE_LIMITED"),
        (43, "NO_HEALTHY_DESTINATION"),
        (44, "RUNTIME_ERROR"),
        (45, "QUOTA_EXCEEDED"),
        (46, "MODEL_IMPORT_REFUSED"),
        (47, "HUB_UNREACHABLE"),
        (48, "SERVICE_NOT_READY"),
    ];

    [Fact]
    public void Published_numbers_and_wire_names_never_change()
    {
        var known = Enum.GetValues<FailureCode>()
            .Where(code => code != FailureCode.None)
            .ToDictionary(code => (int)code, code => code.WireName());
        foreach (var (number, name) in Published)
        {
            Assert.Equal(name, known[number]);
            Assert.True(FailureCodes.TryParse(name, out var parsed));
            Assert.Equal(number, (int)parsed);
        }

        Assert.Equal(Published.Length, known.Count);
        Assert.False(FailureCodes.TryParse("oom_killed", out _));
    }

    [Fact]
    public void Every_code_is_in_the_catalogue_exactly_once()
    {
        Assert.Equal(
            Enum.GetValues<FailureCode>().Where(code => code != FailureCode.None).Order(),
            FailureCatalogue.All.Select(definition => definition.Code).Order()
        );
        Assert.Throws<KeyNotFoundException>(() => FailureCatalogue.Definition(FailureCode.None));
        Assert.All(
            FailureCatalogue.All,
            definition =>
            {
                Assert.InRange(definition.HttpStatus, 400, 599);
                Assert.Matches("^[A-Z_]+$", definition.GrpcStatus);
                Assert.EndsWith(".", definition.Cause, StringComparison.Ordinal);
                Assert.EndsWith(".", definition.Remedy, StringComparison.Ordinal);
            }
        );
    }

    [Fact]
    public void A_code_is_stored_under_its_wire_name_and_an_unknown_one_is_refused()
    {
        var json = JsonSerializer.Serialize(new Failure { Code = FailureCode.OomKilled });
        Assert.Contains("\"OOM_KILLED\"", json, StringComparison.Ordinal);
        Assert.Equal(FailureCode.OomKilled, JsonSerializer.Deserialize<Failure>(json)!.Code);
        Assert.Throws<JsonException>(() =>
            JsonSerializer.Deserialize<Failure>(json.Replace("OOM_KILLED", "FROM_THE_FUTURE", StringComparison.Ordinal))
        );
    }

    [Fact]
    public void Only_the_catalogue_creates_failures()
    {
        var makers = Directory
            .EnumerateFiles(Repository.Path("src"), "*.cs", SearchOption.AllDirectories)
            .Where(file => MakesAFailure().IsMatch(File.ReadAllText(file)))
            .Select(Path.GetFileName);
        Assert.Equal(["FailureCatalogue.cs"], makers);
    }

    [GeneratedRegex(
        @"\bnew\s+(Scheduler\.Domain\.Failures\.)?Failure\s*[({]",
        RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 10_000
    )]
    private static partial Regex MakesAFailure();
}
