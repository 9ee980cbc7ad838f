using System.ComponentModel;
using System.Globalization;
using Scheduler.TestKit;
using Xunit;
using OsProcess = System.Diagnostics.Process;

namespace Scheduler.ProviderTests.Docker;

/// <summary>
/// A Docker or Podman engine of this machine, started for one test with its own state. A small image in it acts as a runtime.
/// It needs root and the Debian packages <c>docker.io</c> or <c>podman</c> with <c>runc</c>, and <c>gcc</c>.
/// </summary>
internal sealed class RealEngine : IAsyncDisposable
{
    internal const string Image = "localhost/fake-runtime:1";

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("engine-");
    private readonly Dictionary<string, string> _environment = new(StringComparer.Ordinal);
    private readonly string _kind;
    private OsProcess? _daemon;

    private RealEngine(string kind) => _kind = kind;

    internal string Socket => Path.Combine(_directory.FullName, "engine.sock");

    private string State => Path.Combine(_directory.FullName, "state");

    /// <param name="kind"><c>docker</c> or <c>podman</c>.</param>
    internal static async Task<RealEngine> StartAsync(string kind)
    {
        var engine = new RealEngine(kind);
        try
        {
            await engine.StartDaemonAsync();
            await engine.BuildImageAsync();
            return engine;
        }
        catch
        {
            await engine.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_daemon is not null)
        {
            await RunAsync("kill", "-TERM", _daemon.Id.ToString(CultureInfo.InvariantCulture));
            await _daemon.WaitForExitAsync(CancellationToken.None);
            _daemon.Dispose();
        }

        if (_kind == "podman")
        {
            await RunAsync("podman", "rm", "--all", "--force", "--time", "0");
        }

        _directory.Delete(recursive: true);
    }

    private async Task StartDaemonAsync()
    {
        var run = Path.Combine(_directory.FullName, "run");
        if (_kind == "docker")
        {
            _daemon = Launch(
                "dockerd",
                [
                    "--data-root",
                    State,
                    "--exec-root",
                    run,
                    "--pidfile",
                    Path.Combine(_directory.FullName, "pid"),
                    "-H",
                    "unix://" + Socket,
                    "--storage-driver",
                    "vfs",
                    "--default-ulimit",
                    "nofile=1024:4096",
                ]
            );
        }
        else
        {
            await WriteSettingAsync(
                "CONTAINERS_STORAGE_CONF",
                "storage.conf",
                $"[storage]\ndriver=\"vfs\"\nrunroot=\"{run}\"\ngraphroot=\"{State}\"\n"
            );
            await WriteSettingAsync(
                "CONTAINERS_CONF",
                "containers.conf",
                "[containers]\ndefault_ulimits=[\"nofile=4096:4096\",\"nproc=4096:4096\"]\n[engine]\ncgroup_manager=\"cgroupfs\"\nevents_logger=\"file\"\nruntime=\"runc\"\n"
            );
            _daemon = Launch(
                "prlimit",
                ["--nofile=4096:4096", "podman", "system", "service", "--time", "0", "unix://" + Socket]
            );
        }

        await Eventually.UntilAsync(
            () => Task.FromResult(File.Exists(Socket) || _daemon.HasExited),
            isThere => isThere,
            "the socket of the engine"
        );
        Assert.False(_daemon.HasExited, $"{_kind} ended with {(_daemon.HasExited ? _daemon.ExitCode : 0)}");
    }

    private async Task BuildImageAsync()
    {
        var source = Path.Combine(Repository.Root, "tests/Scheduler.ProviderTests/Docker/serve.c");
        var tar = Path.Combine(_directory.FullName, "image.tar");
        await RunAsync("gcc", "-static", "-O1", "-o", Path.Combine(_directory.FullName, "serve"), source);
        await RunAsync("tar", "-C", _directory.FullName, "-cf", tar, "serve");
        string[] import = ["import", "-c", "ENTRYPOINT [\"/serve\"]", tar, Image];
        await (
            _kind == "docker" ? RunAsync("docker", ["-H", "unix://" + Socket, .. import]) : RunAsync("podman", import)
        );
    }

    private async Task WriteSettingAsync(string variable, string file, string text)
    {
        var path = Path.Combine(_directory.FullName, file);
        await File.WriteAllTextAsync(path, text, TestContext.Current.CancellationToken);
        _environment[variable] = path;
    }

    private async Task RunAsync(string program, params string[] arguments)
    {
        using var process = Launch(program, arguments);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, $"{program} {arguments[0]} ended with {process.ExitCode}");
    }

    private OsProcess Launch(string program, string[] arguments)
    {
        var process = new OsProcess();
        process.StartInfo.FileName = program;
        process.StartInfo.UseShellExecute = false;
        foreach (var argument in arguments)
        {
            process.StartInfo.ArgumentList.Add(argument);
        }

        foreach (var (name, value) in _environment)
        {
            process.StartInfo.Environment[name] = value;
        }

        try
        {
            process.Start();
        }
        catch (Win32Exception e)
        {
            process.Dispose();
            Assert.Skip($"'{program}' is not on this machine: {e.Message}");
        }

        return process;
    }
}
