namespace Scheduler.Host;

/// <summary>What the process was called with: <c>[serve|demo|migrate|backup|health] [--config FILE] [--Section:Setting=value …]</c>.</summary>
/// <param name="Command">What it is to do.</param>
/// <param name="ConfigFile">A further settings file; null for none.</param>
/// <param name="BackupTo">Where a back-up goes; null for the other commands.</param>
/// <param name="Settings">Single settings.</param>
internal sealed record CommandLine(
    Command Command,
    string? ConfigFile,
    string? BackupTo,
    IReadOnlyList<string> Settings
)
{
    /// <summary>How to call it.</summary>
    public const string Usage = """
        usage: scheduler [serve|demo] [--config FILE] [--Section:Setting=value ...]
               scheduler migrate | backup --to FILE | health [--config FILE] [--Section:Setting=value ...]
          serve   run the scheduler (default)
          demo    run it, launch demo instances on the simulated market, print their timelines, go on serving
          migrate bring the schema of the store to the version this build needs
          backup  copy the SQLite store of a scheduler, running or not, to a file that does not exist yet
          health  exit 0 when the scheduler of these settings on this machine is ready, 1 when it is not
        """;

    private const string ConfigEquals = "--config=";

    /// <summary>Whether the main job is shown before serving.</summary>
    public bool IsDemo => Command == Command.Demo;

    /// <summary>Reads the arguments.</summary>
    /// <param name="args">As given.</param>
    /// <param name="line">What they say.</param>
    /// <param name="fault">What is wrong with them.</param>
    /// <returns>Whether they make sense.</returns>
    public static bool TryParse(IReadOnlyList<string> args, out CommandLine line, out string fault)
    {
        (line, fault) = (new CommandLine(Command.Serve, null, null, []), "");
        var settings = new List<string>();
        for (var i = 0; i < args.Count; i++)
        {
            var argument = args[i];
            if (i == 0 && CommandOf(argument) is { } command)
            {
                line = line with { Command = command };
            }
            else if (
                argument.StartsWith(ConfigEquals, StringComparison.Ordinal)
                && argument.Length > ConfigEquals.Length
            )
            {
                line = line with { ConfigFile = argument[ConfigEquals.Length..] };
            }
            else if (argument == "--config" && i + 1 < args.Count)
            {
                line = line with { ConfigFile = args[++i] };
            }
            else if (argument == "--to" && line.Command == Command.Backup && i + 1 < args.Count)
            {
                line = line with { BackupTo = args[++i] };
            }
            else if (
                argument.StartsWith("--", StringComparison.Ordinal)
                && argument.IndexOf('=') > 2
                && argument != ConfigEquals
            )
            {
                settings.Add(argument);
            }
            else
            {
                fault = $"'{argument}' is not understood.";
                return false;
            }
        }

        if (line is { Command: Command.Backup, BackupTo: null })
        {
            fault = "backup needs --to FILE.";
            return false;
        }

        line = line with { Settings = settings };
        return true;
    }

    private static Command? CommandOf(string argument) =>
        argument switch
        {
            "serve" => Command.Serve,
            "demo" => Command.Demo,
            "backup" => Command.Backup,
            "health" => Command.Health,
            "migrate" => Command.Migrate,
            _ => null,
        };
}

/// <summary>What a process is to do.</summary>
internal enum Command
{
    /// <summary>Run the scheduler.</summary>
    Serve,

    /// <summary>Run it and show it.</summary>
    Demo,

    /// <summary>Copy the store.</summary>
    Backup,

    /// <summary>Ask whether it is ready.</summary>
    Health,

    /// <summary>Bring the store's schema up to date.</summary>
    Migrate,
}
