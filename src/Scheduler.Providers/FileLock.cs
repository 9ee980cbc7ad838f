using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Scheduler.Providers;

/// <summary>
/// A lock between processes on a dedicated lock file. The kernel releases it when the holder exits, also after a crash.
/// It excludes other processes, other locks on the file in this process, and other threads.
/// </summary>
internal sealed partial class FileLock : IDisposable
{
    private const int ReadWrite = 2;
    private const int Create = 0x40;
    private const int CloseOnExec = 0x80000;
    private const int OwnerReadWrite = 0x180;
    private const int LockExclusive = 2;
    private const int Unlock = 8;
    private const int InterruptedBySignal = 4;

    // flock excludes other open files, but not other threads that use the same open file.
    private readonly Lock _threads = new();
    private readonly SafeFileHandle? _file;

    internal FileLock(string path)
    {
        if (!OperatingSystem.IsLinux())
        {
            // Without flock, processes must not share the files. A single process is still safe because of its own
            // locks.
            return;
        }

        // Not File.Open: .NET takes its own shared lock when it opens a file, and fails while another process holds
        // this lock.
        var descriptor = Open(path, ReadWrite | Create | CloseOnExec, OwnerReadWrite);
        if (descriptor < 0)
        {
            throw new IOException($"Cannot open the lock file '{path}' (errno {Marshal.GetLastPInvokeError()}).");
        }

        _file = new SafeFileHandle(descriptor, ownsHandle: true);
    }

    /// <summary>
    /// Waits for the lock. Dispose the result on the same thread to release the lock. Meant for short critical sections
    /// without await.
    /// </summary>
    internal Holding Hold()
    {
        _threads.Enter();
        try
        {
            Call(LockExclusive);
        }
        catch
        {
            _threads.Exit();
            throw;
        }

        return new Holding(this);
    }

    public void Dispose() => _file?.Dispose();

    private void Call(int operation)
    {
        if (_file is null)
        {
            return;
        }

        while (Flock(_file, operation) != 0)
        {
            var error = Marshal.GetLastPInvokeError();
            if (error != InterruptedBySignal)
            {
                throw new IOException($"flock({operation}) failed (errno {error}).");
            }
        }
    }

    internal readonly struct Holding(FileLock owner) : IDisposable
    {
        public void Dispose()
        {
            owner.Call(Unlock);
            owner._threads.Exit();
        }
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags, int mode);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    private static partial int Flock(SafeFileHandle file, int operation);
}
