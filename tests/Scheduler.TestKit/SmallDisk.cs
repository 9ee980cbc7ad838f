using System.Diagnostics;
using System.Globalization;

namespace Scheduler.TestKit;

/// <summary>
/// A file system of its own (tmpfs) that can become full and have room again. Only root can mount one; <see
/// cref="TryMountAsync"/> returns null for other users.
/// </summary>
public sealed class SmallDisk : IAsyncDisposable
{
    private const long Kibi = 1024;

    private readonly long _bytes;

    private SmallDisk(string folder, long bytes)
    {
        Folder = folder;
        _bytes = bytes;
    }

    /// <summary>Where it is mounted.</summary>
    public string Folder { get; }

    /// <summary>Mounts an empty one.</summary>
    /// <param name="mebibytes">Its size with room. It uses memory only for what it holds.</param>
    public static async Task<SmallDisk?> TryMountAsync(int mebibytes, CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("small-disk-").FullName;
        var bytes = mebibytes * Kibi * Kibi;
        if (
            Environment.IsPrivilegedProcess
            && await RunsAsync("mount", ["-t", "tmpfs", "-o", Size(bytes), "tmpfs", folder], cancellationToken)
        )
        {
            return new SmallDisk(folder, bytes);
        }

        Directory.Delete(folder);
        return null;
    }

    /// <summary>Takes all its room away, except less than 64 KiB.</summary>
    /// <exception cref="InvalidOperationException">Its contents grow too quickly.</exception>
    public async Task FillAsync(CancellationToken cancellationToken)
    {
        const int tries = 100;
        for (var i = 0; i < tries; i++)
        {
            // The kernel refuses a size below the contents; they may have grown since the look at them.
            if (await ResizeAsync(Used() + (64 * Kibi), cancellationToken))
            {
                return;
            }
        }

        throw new InvalidOperationException($"{Folder} did not become full.");
    }

    /// <summary>Gives it its room again.</summary>
    public async Task ClearAsync(CancellationToken cancellationToken)
    {
        if (!await ResizeAsync(_bytes, cancellationToken))
        {
            throw new InvalidOperationException($"{Folder} got no room.");
        }
    }

    public async ValueTask DisposeAsync()
    {
        // A process that ended a moment ago may still hold a file.
        for (var tries = 0; !await RunsAsync("umount", [Folder], CancellationToken.None) && tries < 50; tries++)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System);
        }

        Directory.Delete(Folder);
    }

    private long Used()
    {
        var drive = new DriveInfo(Folder);
        return drive.TotalSize - drive.TotalFreeSpace;
    }

    private Task<bool> ResizeAsync(long bytes, CancellationToken cancellationToken) =>
        RunsAsync("mount", ["-o", $"remount,{Size(bytes)}", Folder], cancellationToken);

    private static string Size(long bytes) => string.Create(CultureInfo.InvariantCulture, $"size={bytes}");

    private static async Task<bool> RunsAsync(string program, string[] arguments, CancellationToken cancellationToken)
    {
        using var process = Process.Start(
            new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardError = true }
        )!;
        await process.WaitForExitAsync(cancellationToken);
        return process.ExitCode == 0;
    }
}
