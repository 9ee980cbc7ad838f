using System.Diagnostics;

namespace Scheduler.SystemTests;

/// <summary>The command <c>scheduler worker</c> as a process with its own folder, which can be killed and started again.</summary>
internal sealed class WorkerProcess(string folder, string name, params string[] settings) : IAsyncDisposable
{
    private readonly List<string> _output = [];
    private Process? _process;

    public string Folder => folder;

    public string Name => name;

    /// <summary>Starts it and waits until it listens. Only the first start needs join options.</summary>
    public async Task StartAsync(CancellationToken cancellationToken, params string[] join)
    {
        Directory.CreateDirectory(folder);
        var start = new ProcessStartInfo("dotnet")
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder,
        };
        foreach (
            var argument in (string[])
                [
                    Path.Combine(AppContext.BaseDirectory, "scheduler.dll"),
                    "worker",
                    .. join,
                    "--Host:Log=json",
                    .. settings,
                ]
        )
        {
            start.ArgumentList.Add(argument);
        }

        var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _process = Process.Start(start) ?? throw new InvalidOperationException("No process was started.");
        _process.OutputDataReceived += (_, line) => Read(line.Data, ready);
        _process.ErrorDataReceived += (_, line) => Keep(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        await ready.Task.WaitAsync(TimeSpan.FromMinutes(1), cancellationToken);
    }

    /// <summary><c>kill -9</c> of the worker only; its runtimes go on.</summary>
    public async Task KillAsync()
    {
        if (_process is { HasExited: false } process)
        {
            process.Kill();
            await process.WaitForExitAsync(CancellationToken.None);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _process?.Dispose();
    }

    private void Read(string? line, TaskCompletionSource ready)
    {
        Keep(line);
        if (line is null)
        {
            ready.TrySetException(
                new InvalidOperationException($"The worker ended before it was ready:\n{string.Join('\n', _output)}")
            );
        }
        else if (line.StartsWith("ready ", StringComparison.Ordinal))
        {
            ready.TrySetResult();
        }
    }

    private void Keep(string? line)
    {
        lock (_output)
        {
            _output.Add(line ?? "");
        }
    }
}
