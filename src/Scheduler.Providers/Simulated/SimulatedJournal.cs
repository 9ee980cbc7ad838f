using System.Buffers;
using System.Text;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;

namespace Scheduler.Providers.Simulated;

/// <summary>
/// Storage of the simulated cloud: one JSON record per line; the last record of a key is valid. Each write reaches the
/// operating system before the call returns, so <c>kill -9</c> loses nothing. There is no fsync, because the cloud does
/// not simulate power loss.
/// </summary>
/// <remarks>
/// Several processes may share a file. A writer holds the lock file and first reads all lines of the others. A crash
/// can leave an incomplete last line without line feed; the next writer removes it. Any other unreadable line stops the
/// start.
/// </remarks>
internal sealed class SimulatedJournal : IDisposable
{
    /// <summary>Smaller files are not compacted.</summary>
    private const int CompactAboveBytes = 1 << 20;

    /// <summary>Size of the read buffer; far more than one record, which has less than 2 KiB.</summary>
    private const int ReadBytes = 1 << 16;

    private readonly string _path;
    private readonly FileLock _lock;
    private readonly SafeFileHandle _file;
    private readonly ArrayBufferWriter<byte> _out = new();
    private long _offset;
    private long _lines;

    internal SimulatedJournal(string path)
    {
        _path = path;
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        _lock = new FileLock(path + ".lock");
        using (_lock.Hold())
        {
            _file = Open(path);
        }
    }

    internal FileLock.Holding Hold() => _lock.Hold();

    /// <summary>Whether another process wrote since the last read. Costs one system call.</summary>
    internal bool HasNews => RandomAccess.GetLength(_file) > _offset;

    /// <summary>Applies every complete line that was not read yet.</summary>
    internal void ReadNew(Action<SimulatedRecord> apply)
    {
        var buffer = new byte[ReadBytes];
        var kept = 0;
        while (true)
        {
            var read = RandomAccess.Read(_file, buffer.AsSpan(kept), _offset + kept);
            if (read == 0)
            {
                return;
            }

            var filled = buffer.AsSpan(0, kept + read);
            var used = 0;
            while (filled[used..].IndexOf((byte)'\n') is >= 0 and var length)
            {
                _lines++;
                apply(Parse(filled.Slice(used, length), _path, _lines));
                used += length + 1;
            }

            _offset += used;
            kept = filled.Length - used;
            if (used == 0 && kept == buffer.Length)
            {
                Array.Resize(ref buffer, checked(buffer.Length * 2));
            }
            else
            {
                filled[used..].CopyTo(buffer);
            }
        }
    }

    /// <summary>Writes one record. The caller must hold the lock and must have read all lines.</summary>
    internal void Append_NeedsLock(SimulatedRecord record)
    {
        _out.ResetWrittenCount();
        Write(_out, record);
        if (RandomAccess.GetLength(_file) > _offset)
        {
            // All complete lines are read, so the rest is the incomplete line of a writer that crashed.
            RandomAccess.SetLength(_file, _offset);
        }

        RandomAccess.Write(_file, _out.WrittenSpan, _offset);
        _offset += _out.WrittenCount;
        _lines++;
    }

    public void Dispose()
    {
        _file.Dispose();
        _lock.Dispose();
    }

    /// <summary>Opens the file; compacts a large file first, unless another process has it open.</summary>
    private static SafeFileHandle Open(string path)
    {
        if (new FileInfo(path) is { Exists: true, Length: > CompactAboveBytes })
        {
            TryCompact(path);
        }

        // With FileShare.ReadWrite .NET keeps a shared advisory lock, which makes TryCompact of another process fail to
        // open the file.
        return File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite);
    }

    private static void TryCompact(string path)
    {
        using var alone = OpenAlone(path);
        if (alone is null)
        {
            return;
        }

        var rewritten = path + ".new";
        using (var output = new BufferedStream(File.Create(rewritten)))
        {
            foreach (var bytes in LastLines(alone, path).Values)
            {
                output.Write(bytes);
                output.WriteByte((byte)'\n');
            }
        }

        File.Move(rewritten, path, overwrite: true);
    }

    /// <summary>Null if another scheduler has the file open; the file is then not compacted.</summary>
    private static FileStream? OpenAlone(string path)
    {
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>The last line of each key. Tombstones are kept, because they reject their keys for ever.</summary>
    private static Dictionary<string, byte[]> LastLines(FileStream file, string path)
    {
        var last = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        using var reader = new StreamReader(file, leaveOpen: true);
        var number = 0L;
        while (reader.ReadLine() is { } line)
        {
            if (reader.EndOfStream && !EndsWithLineFeed(file))
            {
                break;
            }

            number++;
            var bytes = Encoding.UTF8.GetBytes(line);
            last[Parse(bytes, path, number).Key] = bytes;
        }

        return last;
    }

    private static bool EndsWithLineFeed(FileStream file)
    {
        var last = new byte[1];
        return file.Length == 0
            || (RandomAccess.Read(file.SafeFileHandle, last, file.Length - 1) == 1 && last[0] == (byte)'\n');
    }

    private static SimulatedRecord Parse(ReadOnlySpan<byte> line, string path, long number)
    {
        try
        {
            return JsonSerializer.Deserialize(line, SimulatedJson.Default.SimulatedRecord)
                ?? throw new JsonException("null is not a record");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{path}, line {number}: not a record of the simulated cloud.", e);
        }
    }

    private static void Write(ArrayBufferWriter<byte> buffer, SimulatedRecord record)
    {
        using (var json = new Utf8JsonWriter(buffer))
        {
            JsonSerializer.Serialize(json, record, SimulatedJson.Default.SimulatedRecord);
        }

        buffer.Write("\n"u8);
    }
}
