using System.ComponentModel;
using System.Globalization;
using System.Text;
using Scheduler.Domain.Runtimes;
using OsProcess = System.Diagnostics.Process;

namespace Scheduler.Providers.Docker;

/// <summary>A connection to an engine through the system's <c>ssh</c>, as the <c>docker</c> client makes it.</summary>
/// <remarks>
/// The command on the host connects its input and output to the engine's socket. So ssh's own configuration applies: keys,
/// agents, known hosts, jump hosts. A library would need all of these again.
/// </remarks>
internal sealed class SshStream : Stream
{
    /// <summary>What ssh says about a failure fits; the rest is dropped.</summary>
    private const int MaxWords = 2048;

    private readonly OsProcess _process;
    private readonly string _host;
    private readonly Stream _output;
    private readonly Stream _input;
    private readonly StringBuilder _words = new();

    private SshStream(OsProcess process, string host)
    {
        _process = process;
        _host = host;
        _output = process.StandardOutput.BaseStream;
        _input = process.StandardInput.BaseStream;
        process.ErrorDataReceived += (_, line) => Remember(line.Data);
        process.BeginErrorReadLine();
    }

    /// <exception cref="IOException">The program could not be started.</exception>
    internal static SshStream Open(DockerHostOptions host)
    {
        var process = new OsProcess();
        process.StartInfo.FileName = host.SshProgram;
        foreach (var argument in Arguments(host))
        {
            process.StartInfo.ArgumentList.Add(argument);
        }

        process.StartInfo.UseShellExecute = false;
        process.StartInfo.RedirectStandardInput = true;
        process.StartInfo.RedirectStandardOutput = true;
        process.StartInfo.RedirectStandardError = true;
        try
        {
            process.Start();
        }
        catch (Win32Exception e)
        {
            process.Dispose();
            throw new IOException($"'{host.SshProgram}' could not be started: {e.Message}", e);
        }

        return new SshStream(process, host.EndpointUri.Host);
    }

    /// <summary>Nothing may ask for a password, and a dead host must not keep a connection for long.</summary>
    internal static IEnumerable<string> Arguments(DockerHostOptions host)
    {
        var endpoint = host.EndpointUri;
        string[] fixedOptions =
        [
            "-T",
            "-o",
            "BatchMode=yes",
            "-o",
            "ConnectTimeout=10",
            "-o",
            "ServerAliveInterval=15",
            "-o",
            "ServerAliveCountMax=3",
        ];
        var port = endpoint.Port > 0 ? (string[])["-p", endpoint.Port.ToString(CultureInfo.InvariantCulture)] : [];
        var user = endpoint.UserInfo.Length > 0 ? (string[])["-l", Uri.UnescapeDataString(endpoint.UserInfo)] : [];
        return [.. fixedOptions, .. host.SshOptions, .. port, .. user, "--", endpoint.Host, host.SshCommand];
    }

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = await _output.ReadAsync(buffer, cancellationToken);
        if (read == 0 && buffer.Length > 0)
        {
            await ThrowIfFailedAsync(null, cancellationToken);
        }

        return read;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => _output.Read(buffer, offset, count);

    public override async ValueTask WriteAsync(
        ReadOnlyMemory<byte> buffer,
        CancellationToken cancellationToken = default
    )
    {
        try
        {
            await _input.WriteAsync(buffer, cancellationToken);
            await _input.FlushAsync(cancellationToken);
        }
        catch (IOException e)
        {
            await ThrowIfFailedAsync(e, cancellationToken);
            throw;
        }
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Write(byte[] buffer, int offset, int count)
    {
        _input.Write(buffer, offset, count);
        _input.Flush();
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => _input.FlushAsync(cancellationToken);

    public override void Flush() => _input.Flush();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            try
            {
                _process.Kill();
            }
            catch (InvalidOperationException)
            {
                // It has ended already.
            }

            _process.Dispose();
        }

        base.Dispose(disposing);
    }

    private async Task ThrowIfFailedAsync(Exception? cause, CancellationToken cancellationToken)
    {
        await _process.WaitForExitAsync(cancellationToken);
        if (_process.ExitCode != 0)
        {
            throw new IOException($"ssh to {_host} ended with exit code {_process.ExitCode}: {Words()}", cause);
        }
    }

    private void Remember(string? line)
    {
        lock (_words)
        {
            if (line is not null && _words.Length + line.Length < MaxWords)
            {
                _words.Append(_words.Length > 0 ? " " : "").Append(line);
            }
        }
    }

    private string Words()
    {
        lock (_words)
        {
            return _words.Length == 0 ? "it said nothing" : OutputLines.Clean(_words.ToString());
        }
    }
}
