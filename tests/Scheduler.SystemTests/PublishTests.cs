using System.Text.RegularExpressions;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.SystemTests;

/// <summary>The build of deploy/README.md and the Dockerfile gives a program that runs.</summary>
public sealed partial class PublishTests
{
    [Fact(Explicit = true)]
    public async Task The_published_program_answers_its_commands()
    {
        var ct = TestContext.Current.CancellationToken;
        var folder = Directory.CreateTempSubdirectory("publish-").FullName;
        var command = (await File.ReadAllLinesAsync(Programs.Repository("deploy", "docker", "Dockerfile"), ct))
            .Single(line => line.StartsWith("RUN dotnet publish", StringComparison.Ordinal))
            .Split(' ')[2..];
        string[] arguments =
        [
            .. command.Select(word =>
                word == "/opt/scheduler" ? folder
                : word.StartsWith("src/", StringComparison.Ordinal) ? Programs.Repository(word)
                : word
            ),
        ];
        var (published, said) = await Programs.RunAsync("dotnet", arguments, new Dictionary<string, string>(), ct);
        Assert.True(published == 0, said);

        var program = Path.Combine(folder, "scheduler");
        var (health, answer) = await Programs.RunAsync(
            program,
            ["health", "--Host:HttpPort=9"],
            new Dictionary<string, string>(),
            ct
        );
        Assert.True(health == 1, answer);
        Assert.StartsWith("http://127.0.0.1:9/readyz ", answer, StringComparison.Ordinal);
        var (usage, words) = await Programs.RunAsync(program, ["backup"], new Dictionary<string, string>(), ct);
        Assert.Equal(2, usage);
        Assert.Contains("backup needs --to FILE", words, StringComparison.Ordinal);
        await AssertServesItsWindowAsync(Path.Combine(folder, "scheduler.dll"), ct);
        Directory.Delete(folder, recursive: true);
    }

    /// <summary>Pages and their assets come from the program's own folder.</summary>
    private static async Task AssertServesItsWindowAsync(string program, CancellationToken ct)
    {
        await using var scheduler = new SchedulerProcess { Program = program };
        await scheduler.StartAsync(ct);
        using var client = new HttpClient { BaseAddress = scheduler.Http };
        var page = await client.GetStringAsync(new Uri("dashboard", UriKind.Relative), ct);
        Assert.Contains("Sign in", page, StringComparison.Ordinal);
        var assets = Asset().Matches(page).Select(match => match.Groups[1].Value).Distinct().ToList();
        Assert.True(assets.Count >= 4, page);
        foreach (var asset in assets)
        {
            using var answer = await client.GetAsync(new Uri(asset, UriKind.RelativeOrAbsolute), ct);
            Assert.True(answer.IsSuccessStatusCode, $"{asset}: {(int)answer.StatusCode}");
        }
    }

    [GeneratedRegex(@"(?:href|src)=""([^""]+\.(?:css|js|svg)[^""]*)""")]
    private static partial Regex Asset();
}
