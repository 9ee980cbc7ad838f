using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Scheduler.Providers;

/// <summary>
/// A lock between processes, held on a file of its own. The kernel lets go of it when the holder dies, however it dies, so a crash never
/// leaves it behind. It excludes other processes, other
/// locks on the file in this process, and other threads.
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

    // flock excludes other open files, not other threads with the same one.
    private readonly Lock _threads = new();
    private readonly SafeFileHandle? _file;

    internal FileLock(string path)
    {
        if (!OperatingSystem.IsLinux())
        {
            // Without flock the files must not be shared between processes; one process alone is still safe through its own locks.
            return;
        }

        // Not File.Open: .NET takes a shared lock of its own while opening, and fails when somebody holds ours.
        var descriptor = Open(path, ReadWrite | Create | CloseOnExec, OwnerReadWrite);
        if (descriptor < 0)
        {
            throw new IOException($"Cannot open the lock file '{path}' (errno {Marshal.GetLastPInvokeError()}).");
        }

        _file = new SafeFileHandle(descriptor, ownsHandle: true);
    }

    /// <summary>
    /// Waits for the lock; disposing the answer gives it back, on the same thread. Meant for short critical sections without awaiting.
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
