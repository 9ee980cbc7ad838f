using System.Globalization;
using System.Text.RegularExpressions;
using Xunit;

namespace Scheduler.Tidy;

public sealed partial class LogEventTests
{
    /// <summary>Operators filter the log by event id, so an id must name one message of the whole program.</summary>
    [Fact]
    public void Every_log_message_has_its_own_event_id()
    {
        var messages = Repo.Files("src", "*.cs")
            .SelectMany(file =>
                Message().Matches(File.ReadAllText(file)).Select(found => (File: Repo.Relative(file), Found: found))
            )
            .Select(at => (at.File, Id: at.Found.Groups["id"].Success ? IdOf(at.Found) : 0))
            .ToList();
        Assert.NotEmpty(messages);
        Assert.Empty(messages.Where(message => message.Id == 0).Select(message => message.File));
        var shared = messages
            .GroupBy(message => message.Id)
            .Where(group => group.Count() > 1)
            .Select(group => $"{group.Key}: {string.Join(", ", group.Select(message => message.File))}");
        Assert.Empty(shared);
    }

    private static int IdOf(Match found) => int.Parse(found.Groups["id"].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"\[LoggerMessage\(\s*(?:(?:EventId\s*=\s*)?(?<id>\d+)\s*,)?")]
    private static partial Regex Message();
}
