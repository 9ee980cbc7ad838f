using System.ComponentModel;
using OsProcess = System.Diagnostics.Process;

namespace Scheduler.Providers.Process;

/// <summary>Lists the GPUs of this host with <c>nvidia-smi</c>, and caches the result.</summary>
internal sealed class HostGpus(ProcessOptions options, TimeProvider clock) : IDisposable
{
    private static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(20);

    private readonly SemaphoreSlim _gate = new(1, 1);
    private (DateTimeOffset At, IReadOnlyList<HostGpu?> Gpus)? _known;

    /// <summary>One entry per output line, null for an unreadable one. Empty on a host without the tool.</summary>
    internal async Task<IReadOnlyList<HostGpu?>> ListAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            var now = clock.GetUtcNow();
            if (_known is not { } known || now - known.At >= options.DiscoverEvery)
            {
                known = (now, await AskAsync(cancellationToken));
                _known = known;
            }

            return known.Gpus;
        }
        finally
        {
            _gate.Release();
        }
    }

    public void Dispose() => _gate.Dispose();

    private async Task<IReadOnlyList<HostGpu?>> AskAsync(CancellationToken cancellationToken)
    {
        using var tool = new OsProcess();
        tool.StartInfo.FileName = options.NvidiaSmi;
        tool.StartInfo.ArgumentList.Add("--query-gpu=name,memory.total,memory.free,driver_version,uuid");
        tool.StartInfo.ArgumentList.Add("--format=csv,noheader,nounits");
        tool.StartInfo.RedirectStandardOutput = true;
        tool.StartInfo.UseShellExecute = false;
        try
        {
            tool.Start();
        }
        catch (Win32Exception)
        {
            // The tool is not installed, so this host has no GPU.
            return [];
        }

        using var late = new CancellationTokenSource(AnswerWithin, clock);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            var text = await tool.StandardOutput.ReadToEndAsync(stop.Token);
            await tool.WaitForExitAsync(stop.Token);
            return tool.ExitCode == 0 ? ProcessMapping.Gpus(text) : [];
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            tool.Kill();
            throw new TimeoutException($"{options.NvidiaSmi} did not answer within {AnswerWithin}.", e);
        }
    }
}
