using System.Globalization;

namespace Scheduler.Host.Load;

/// <summary>The arguments of <c>scheduler load</c>.</summary>
/// <param name="Url">Where the gateway answers, without a path.</param>
/// <param name="Key">API key.</param>
/// <param name="Model">Serving name.</param>
/// <param name="Concurrency">Requests at once.</param>
/// <param name="Duration">No request begins after it.</param>
/// <param name="MaxTokens">Most output tokens of one request.</param>
internal sealed record LoadOptions(
    Uri Url,
    string Key,
    string Model,
    int Concurrency,
    TimeSpan Duration,
    int MaxTokens,
    string Prompt
)
{
    /// <summary>Holds the key when <c>--key</c> is absent, so that it is not in the list of processes.</summary>
    public const string KeyVariable = "SCHEDULER_KEY";

    private const int MostConcurrency = 1024;
    private const int MostTokens = 100_000;
    private static readonly TimeSpan LongestDuration = TimeSpan.FromHours(1);

    private static readonly Dictionary<string, string> Defaults = new(StringComparer.Ordinal)
    {
        ["--url"] = "http://127.0.0.1:5080",
        ["--key"] = "",
        ["--model"] = "",
        ["--concurrency"] = "8",
        ["--duration"] = "30s",
        ["--max-tokens"] = "64",
        ["--prompt"] = "Count from one to twenty in words.",
    };

    /// <param name="args">Those after the command.</param>
    /// <param name="fault">The error if the result is null; otherwise empty.</param>
    public static LoadOptions? Parse(IReadOnlyList<string> args, out string fault)
    {
        var given = new Dictionary<string, string>(Defaults, StringComparer.Ordinal);
        for (var i = 0; i < args.Count; i += 2)
        {
            if (!Defaults.ContainsKey(args[i]) || i + 1 == args.Count)
            {
                fault = $"'{args[i]}' is not understood, or has no value.";
                return null;
            }

            given[args[i]] = args[i + 1];
        }

        var key = given["--key"] is { Length: > 0 } said ? said : Environment.GetEnvironmentVariable(KeyVariable) ?? "";
        fault =
            key.Length == 0 ? $"load needs --key KEY, or the variable {KeyVariable}."
            : given["--model"].Length == 0 ? "load needs --model NAME."
            : FaultOf(given);
        return fault.Length > 0
            ? null
            : new LoadOptions(
                new Uri(given["--url"]),
                key,
                given["--model"],
                Number(given["--concurrency"], MostConcurrency)!.Value,
                Time(given["--duration"])!.Value,
                Number(given["--max-tokens"], MostTokens)!.Value,
                given["--prompt"]
            );
    }

    private static string FaultOf(Dictionary<string, string> given) =>
        !Uri.TryCreate(given["--url"], UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https")
            ? $"--url is '{given["--url"]}'; accepted is an address with http or https."
        : Number(given["--concurrency"], MostConcurrency) is null
            ? $"--concurrency is '{given["--concurrency"]}'; accepted is 1 to {MostConcurrency}."
        : Time(given["--duration"]) is null
            ? $"--duration is '{given["--duration"]}'; accepted is 1s to 1h, for example 90s or 5m."
        : Number(given["--max-tokens"], MostTokens) is null
            ? $"--max-tokens is '{given["--max-tokens"]}'; accepted is 1 to {MostTokens}."
        : "";

    private static int? Number(string text, int most) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        && number >= 1
        && number <= most
            ? number
            : null;

    /// <summary>Whole seconds, minutes or hours.</summary>
    private static TimeSpan? Time(string text)
    {
        TimeSpan? unit =
            text.Length == 0 ? null
            : text[^1] == 's' ? TimeSpan.FromSeconds(1)
            : text[^1] == 'm' ? TimeSpan.FromMinutes(1)
            : text[^1] == 'h' ? TimeSpan.FromHours(1)
            : null;
        return unit is { } one && Number(text[..^1], (int)(LongestDuration / one)) is { } count ? one * count : null;
    }
}
