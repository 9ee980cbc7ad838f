using Scheduler.Host.Load;

namespace Scheduler.Host;

/// <summary>
/// The arguments: <c>[serve|demo [--fresh]|worker [--join URL --token TOKEN]|migrate|backup|health|secrets rotate|version] [--config FILE] [--Section:Setting=value …]</c>, or
/// <c>load</c> with its own (<see cref="LoadOptions"/>).
/// </summary>
/// <param name="ConfigFile">An additional settings file; null for none.</param>
/// <param name="IsFresh">Whether the demo starts on new data.</param>
/// <param name="BackupTo">Target file of a back-up; null for the other commands.</param>
/// <param name="Settings">Arguments of the form <c>--Section:Setting=value</c>.</param>
/// <param name="Load">Of the command load; null for the other commands.</param>
internal sealed record CommandLine(
    Command Command,
    string? ConfigFile,
    string? BackupTo,
    IReadOnlyList<string> Settings,
    bool IsFresh = false,
    LoadOptions? Load = null
)
{
    public const string Usage = """
        usage: scheduler [serve|demo] [--config FILE] [--Section:Setting=value ...]
               scheduler worker [--join URL --token TOKEN] [--config FILE] [--Worker:Setting=value ...]
               scheduler migrate | backup --to FILE | health [--config FILE] [--Section:Setting=value ...]
               scheduler secrets rotate [--config FILE] [--Section:Setting=value ...]
               scheduler load --model NAME [--url URL] [--key KEY] [--concurrency N] [--duration 30s] [--max-tokens N] [--prompt TEXT]
               scheduler version
          serve   run the scheduler (default)
          demo    run it, launch demo instances on the simulated market, print their timelines, keep serving;
                  a later start continues with what is there, `demo --fresh` starts over on new data
          worker  run this host's runtimes for a scheduler elsewhere; the first start joins its cluster
                  with a token from the page Hosts
          migrate bring the schema of the store to the version this build needs
          backup  copy the SQLite store of a scheduler, running or not, to a file that does not exist yet
          health  exit 0 when the scheduler of these settings on this machine is ready, 1 when it is not
          secrets rotate
                  encrypt all secrets and runtime keys of the running scheduler under the first master key
          load    send chat requests to a serving name, N at once, and print rates, latencies and errors; the key may be in the variable
                  SCHEDULER_KEY; exit 1 when no request was answered
          version print the version; also --version
        """;

    private const string ConfigEquals = "--config=";

    public bool IsDemo => Command == Command.Demo;

    /// <param name="fault">The error if the result is false; otherwise empty.</param>
    public static bool TryParse(IReadOnlyList<string> args, out CommandLine line, out string fault)
    {
        if (args is not ["load", ..])
        {
            return TryParseOthers(args, out line, out fault);
        }

        line = new CommandLine(Command.Load, null, null, [], Load: LoadOptions.Parse([.. args.Skip(1)], out fault));
        return line.Load is not null;
    }

    private static bool TryParseOthers(IReadOnlyList<string> args, out CommandLine line, out string fault)
    {
        (line, fault) = (new CommandLine(Command.Serve, null, null, []), "");
        var settings = new List<string>();
        for (var i = 0; i < args.Count; i++)
        {
            var argument = args[i];
            if (i == 0 && argument == "secrets" && args.ElementAtOrDefault(1) == "rotate")
            {
                line = line with { Command = Command.RotateSecrets };
                i++;
            }
            else if (i == 0 && CommandOf(argument) is { } command)
            {
                line = line with { Command = command };
            }
            else if (IsConfig(argument))
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
            else if (line.Command == Command.Worker && argument is ("--join" or "--token") && i + 1 < args.Count)
            {
                settings.Add($"--Worker:{(argument == "--join" ? "Join" : "Token")}={args[++i]}");
            }
            else if (argument == "--fresh" && line.IsDemo)
            {
                line = line with { IsFresh = true };
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

    private static bool IsConfig(string argument) =>
        argument.StartsWith(ConfigEquals, StringComparison.Ordinal) && argument.Length > ConfigEquals.Length;

    private static Command? CommandOf(string argument) =>
        argument switch
        {
            "serve" => Command.Serve,
            "demo" => Command.Demo,
            "worker" => Command.Worker,
            "backup" => Command.Backup,
            "health" => Command.Health,
            "migrate" => Command.Migrate,
            "version" or "--version" => Command.Version,
            _ => null,
        };
}

internal enum Command
{
    Serve,
    Demo,
    Worker,
    Backup,
    Health,
    RotateSecrets,
    Migrate,
    Version,
    Load,
}
