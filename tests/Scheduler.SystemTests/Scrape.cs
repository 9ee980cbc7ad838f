using System.Globalization;
using System.Text.RegularExpressions;
using Scheduler.TestKit;

namespace Scheduler.SystemTests;

/// <summary>The contents of <c>/metrics</c> at one moment.</summary>
internal sealed partial class Scrape
{
    private static readonly HttpClient Client = new();

    private Scrape(string text)
    {
        Text = text;
        Samples =
        [
            .. Line()
                .Matches(text)
                .Select(line => new Sample(
                    line.Groups["name"].Value,
                    Label()
                        .Matches(line.Groups["labels"].Value)
                        .ToDictionary(label => label.Groups["name"].Value, label => label.Groups["value"].Value),
                    double.Parse(line.Groups["value"].Value, CultureInfo.InvariantCulture)
                )),
        ];
    }

    public string Text { get; }

    public IReadOnlyList<Sample> Samples { get; }

    public static async Task<Scrape> ReadAsync(SchedulerProcess scheduler, CancellationToken cancellationToken) =>
        new(await Client.GetStringAsync(new Uri(scheduler.Http, "metrics"), cancellationToken));

    /// <summary>Sum of a metric over all series with these labels.</summary>
    public double Sum(string name, params (string Name, string Value)[] labels) =>
        Samples
            .Where(sample =>
                sample.Name == name && labels.All(label => sample.Labels.GetValueOrDefault(label.Name) == label.Value)
            )
            .Sum(sample => sample.Value);

    [GeneratedRegex(
        @"^(?<name>[a-z_]+)(\{(?<labels>.*)\})? (?<value>[-+0-9.eE]+|NaN)$",
        RegexOptions.Multiline | RegexOptions.ExplicitCapture
    )]
    private static partial Regex Line();

    [GeneratedRegex(@"(?<name>[a-z_]+)=""(?<value>(\\.|[^""\\])*)""", RegexOptions.ExplicitCapture)]
    private static partial Regex Label();

    internal sealed record Sample(string Name, IReadOnlyDictionary<string, string> Labels, double Value);
}
