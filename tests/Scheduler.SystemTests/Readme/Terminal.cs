using System.Diagnostics;
using System.Globalization;

namespace Scheduler.SystemTests.Readme;

/// <summary>
/// A shell that a reader pastes blocks into, one after the other. It reports every command that fails, unset variables,
/// and failures inside a pipe.
/// </summary>
internal sealed class Terminal : IAsyncDisposable
{
    private readonly Process _shell;
    private readonly string _folder;
    private readonly string _name;
    private string _output = "";
    private int _pasted;

    /// <param name="folder">Folder for its own files.</param>
    /// <param name="workingDirectory">Where the shell starts.</param>
    public Terminal(
        string name,
        string folder,
        string workingDirectory,
        IReadOnlyDictionary<string, string> environment
    )
    {
        (_name, _folder) = (name, folder);
        var start = new ProcessStartInfo("bash", "--noprofile --norc")
        {
            WorkingDirectory = workingDirectory,
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        foreach (var (variable, value) in environment)
        {
            start.Environment[variable] = value;
        }

        _shell = Process.Start(start) ?? throw new InvalidOperationException("bash did not start.");
        _shell.StandardInput.WriteLine("set -uEo pipefail");
        _shell.StandardInput.WriteLine($"trap 'echo \"exit $? of: $BASH_COMMAND\" >> \"{Failures}\"' ERR");
    }

    /// <summary>What the latest block has printed until now.</summary>
    public string Printed => File.Exists(_output) ? File.ReadAllText(_output) : "";

    /// <summary>The commands that failed; empty if none did.</summary>
    public string Failed => File.Exists(Failures) ? File.ReadAllText(Failures) : "";

    private string Failures => Path.Combine(_folder, $"{_name}.failed");

    /// <summary>Pastes a block.</summary>
    /// <returns>Ends with the block: true if the shell goes on after it.</returns>
    public async Task<bool> PasteAsync(string commands, CancellationToken cancellationToken)
    {
        var block = Path.Combine(_folder, string.Create(CultureInfo.InvariantCulture, $"{_name}-{++_pasted}"));
        _output = $"{block}.out";
        await File.WriteAllTextAsync($"{block}.sh", commands, cancellationToken);
        await _shell.StandardInput.WriteLineAsync($"{{ . '{block}.sh'; }} < /dev/null > '{_output}' 2>&1; echo done");
        await _shell.StandardInput.FlushAsync(cancellationToken);
        return await _shell.StandardOutput.ReadLineAsync(cancellationToken) is not null;
    }

    /// <summary>Ctrl-C: SIGINT for the commands that run.</summary>
    public async Task InterruptAsync(CancellationToken cancellationToken)
    {
        using var interrupt = Process.Start("pkill", ["-INT", "-P", $"{_shell.Id}"]);
        await interrupt.WaitForExitAsync(cancellationToken);
    }

    /// <summary>Ends the shell and everything that it started.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_shell.HasExited)
        {
            _shell.Kill(entireProcessTree: true);
            await _shell.WaitForExitAsync(CancellationToken.None);
        }

        _shell.Dispose();
    }
}
