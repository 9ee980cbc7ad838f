namespace Scheduler.Host;

/// <summary>What the process was called with: <c>[serve|demo] [--config FILE] [--Section:Setting=value …]</c>.</summary>
/// <param name="IsDemo">Show the main job before serving.</param>
/// <param name="ConfigFile">A further settings file; null for none.</param>
/// <param name="Settings">Single settings.</param>
internal sealed record CommandLine(bool IsDemo, string? ConfigFile, IReadOnlyList<string> Settings)
{
    /// <summary>How to call it.</summary>
    public const string Usage = """
        usage: scheduler [serve|demo] [--config FILE] [--Section:Setting=value ...]
          serve   run the scheduler (default)
          demo    run it, launch demo instances on the simulated market, print their timelines, go on serving
        """;

    /// <summary>Reads the arguments.</summary>
    /// <param name="args">As given.</param>
    /// <param name="line">What they say.</param>
    /// <param name="fault">What is wrong with them.</param>
    /// <returns>Whether they make sense.</returns>
    public static bool TryParse(IReadOnlyList<string> args, out CommandLine line, out string fault)
    {
        (line, fault) = (new CommandLine(false, null, []), "");
        var settings = new List<string>();
        for (var i = 0; i < args.Count; i++)
        {
            var argument = args[i];
            if (i == 0 && argument is "serve" or "demo")
            {
                line = line with { IsDemo = argument == "demo" };
            }
            else if (argument == "--config" && i + 1 < args.Count)
            {
                line = line with { ConfigFile = args[++i] };
            }
            else if (argument.StartsWith("--", StringComparison.Ordinal) && argument.Contains('='))
            {
                settings.Add(argument);
            }
            else
            {
                fault = $"'{argument}' is not understood.";
                return false;
            }
        }

        line = line with { Settings = settings };
        return true;
    }
}
