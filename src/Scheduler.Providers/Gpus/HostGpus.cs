using System.Collections.Immutable;
using System.ComponentModel;
using OsProcess = System.Diagnostics.Process;

namespace Scheduler.Providers.Gpus;

/// <summary>Lists the GPUs of this host with the tools of the vendors, and caches the result.</summary>
/// <param name="listEvery">How long a result is used.</param>
internal sealed class HostGpus(GpuTools tools, TimeSpan listEvery, TimeProvider clock) : IDisposable
{
    private static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(20);

    private readonly SemaphoreSlim _gate = new(1, 1);
    private (DateTimeOffset At, GpuReading Reading)? _known;

    /// <summary>Empty on a host without the tools.</summary>
    internal async Task<GpuReading> ListAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            var now = clock.GetUtcNow();
            if (_known is not { } known || now - known.At >= listEvery)
            {
                known = (now, (await AskNvidiaAsync(cancellationToken)).And(await AskAmdAsync(cancellationToken)));
                _known = known;
            }

            return known.Reading;
        }
        finally
        {
            _gate.Release();
        }
    }

    public void Dispose() => _gate.Dispose();

    private async Task<GpuReading> AskNvidiaAsync(CancellationToken cancellationToken)
    {
        var gpus = await RunAsync(tools.NvidiaSmi, NvidiaSmi.Query, cancellationToken);
        if (gpus.Text is not { } csv)
        {
            return gpus.Reading;
        }

        var list = "";
        if (NvidiaSmi.HasMig(csv))
        {
            var slices = await RunAsync(tools.NvidiaSmi, NvidiaSmi.List, cancellationToken);
            if (slices.Text is null)
            {
                return slices.Reading;
            }

            list = slices.Text;
        }

        return NvidiaSmi.Read(csv, list);
    }

    private async Task<GpuReading> AskAmdAsync(CancellationToken cancellationToken)
    {
        var gpus = await RunAsync(tools.AmdSmi, AmdSmi.Static, cancellationToken);
        if (gpus.Text is { } described)
        {
            var memory = await RunAsync(tools.AmdSmi, AmdSmi.Memory, cancellationToken);
            return AmdSmi.Read(described, memory.Text ?? "");
        }

        if (gpus.IsInstalled)
        {
            return gpus.Reading;
        }

        var cards = await RunAsync(tools.RocmSmi, AmdSmi.RocmQuery, cancellationToken);
        return cards.Text is { } json ? AmdSmi.ReadRocm(json) : cards.Reading;
    }

    private async Task<ToolOutput> RunAsync(
        string program,
        ImmutableArray<string> arguments,
        CancellationToken cancellationToken
    )
    {
        using var tool = new OsProcess();
        tool.StartInfo.FileName = program;
        tool.StartInfo.RedirectStandardOutput = true;
        tool.StartInfo.UseShellExecute = false;
        foreach (var argument in arguments)
        {
            tool.StartInfo.ArgumentList.Add(argument);
        }

        try
        {
            tool.Start();
        }
        catch (Win32Exception)
        {
            // The tool is not installed, so this host has no GPU of its vendor.
            return new ToolOutput(null, IsInstalled: false);
        }

        using var late = new CancellationTokenSource(AnswerWithin, clock);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            var text = await tool.StandardOutput.ReadToEndAsync(stop.Token);
            await tool.WaitForExitAsync(stop.Token);
            return new ToolOutput(tool.ExitCode == 0 ? text : null, IsInstalled: true);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            tool.Kill();
            throw new TimeoutException($"{program} did not answer within {AnswerWithin}.", e);
        }
    }

    /// <param name="Text">Null if the tool is not installed or failed.</param>
    private sealed record ToolOutput(string? Text, bool IsInstalled)
    {
        internal GpuReading Reading => IsInstalled ? GpuReading.Of(GpuFault.ToolFailed) : GpuReading.None;
    }
}

/// <summary>Names or paths of the programs that list GPUs. A program that does not exist lists none.</summary>
internal sealed record GpuTools(string NvidiaSmi, string AmdSmi, string RocmSmi);
