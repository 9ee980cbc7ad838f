using System.Globalization;
using System.Text.Json;

namespace Scheduler.Providers.Process;

/// <summary>
/// The state directory: one folder per allocation, and an empty file per released key. It contains the whole state of
/// the adapter, so a new or second process with the same directory has the same state.
/// </summary>
/// <remarks>
/// <list type="bullet">
/// <item><c>live/{key}/record.json</c>: written before the child starts.</item>
/// <item>
/// <c>live/{key}/stat</c>: the launcher's line of <c>/proc/{pid}/stat</c>, written before the runtime starts.
/// </item>
/// <item><c>live/{key}/output.log</c>, <c>live/{key}/exit</c>: the output, and the exit code after the exit.</item>
/// <item><c>live/{key}/ready</c>: time when the runtime was first healthy.</item>
/// <item><c>live/{key}/stopping</c>: time of the first release request.</item>
/// <item><c>released/{key}</c>: the key is never served again.</item>
/// </list>
/// Changes need <see cref="Hold"/>. Files are written under another name and renamed, so readers never see a partial
/// file.
/// </remarks>
internal sealed class ProcessStore : IDisposable
{
    /// <summary>A released key is requested again within minutes or never, so a week is enough.</summary>
    private static readonly TimeSpan RememberReleased = TimeSpan.FromDays(7);

    /// <summary>The key becomes a file name.</summary>
    private const int MaxKeyChars = 128;

    private readonly string _live;
    private readonly string _released;
    private readonly FileLock _lock;

    internal ProcessStore(string directory, DateTimeOffset now)
    {
        _live = Path.Combine(Path.GetFullPath(directory), "live");
        _released = Path.Combine(Path.GetFullPath(directory), "released");
        Directory.CreateDirectory(_live);
        Directory.CreateDirectory(_released);
        _lock = new FileLock(Path.Combine(directory, "lock"));
        ForgetLongReleased(now);
    }

    internal FileLock.Holding Hold() => _lock.Hold();

    /// <summary>Whether the key can be used as a folder name.</summary>
    internal static bool IsUsable(string key) =>
        key.Length is > 0 and <= MaxKeyChars
        && key[0] != '.'
        && key.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' or '.');

    internal string FolderOf(string key) => Path.Combine(_live, key);

    internal string FileOf(string key, string name) => Path.Combine(_live, key, name);

    internal ProcessRecord? Find(string key)
    {
        if (!IsUsable(key))
        {
            return null;
        }

        try
        {
            return JsonSerializer.Deserialize(
                File.ReadAllBytes(FileOf(key, "record.json")),
                ProcessJson.Default.ProcessRecord
            );
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{FileOf(key, "record.json")} is not a record of the process provider.", e);
        }
    }

    internal List<ProcessRecord> All() =>
        [
            .. Directory
                .EnumerateDirectories(_live)
                .Select(Path.GetFileName)
                .Select(key => Find(key!))
                .OfType<ProcessRecord>(),
        ];

    internal bool WasReleased(string key) => File.Exists(Path.Combine(_released, key));

    internal void Add(ProcessRecord record)
    {
        Directory.CreateDirectory(FolderOf(record.Key));
        Write(
            FileOf(record.Key, "record.json"),
            JsonSerializer.SerializeToUtf8Bytes(record, ProcessJson.Default.ProcessRecord)
        );
    }

    /// <summary>Writes the tombstone and deletes the key's folder.</summary>
    internal void Release(string key)
    {
        if (!IsUsable(key))
        {
            return;
        }

        File.WriteAllBytes(Path.Combine(_released, key), []);
        Forget(key);
    }

    /// <summary>Deletes the key's folder without a tombstone; nothing was ever started for it.</summary>
    internal void Forget(string key)
    {
        if (Directory.Exists(FolderOf(key)))
        {
            Directory.Delete(FolderOf(key), recursive: true);
        }
    }

    /// <summary>Records the time of an event once; later calls return the first time.</summary>
    internal DateTimeOffset MarkOnce(string key, string name, DateTimeOffset now)
    {
        if (MarkedAt(key, name) is { } before)
        {
            return before;
        }

        Write(
            FileOf(key, name),
            System.Text.Encoding.ASCII.GetBytes(now.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture))
        );
        return now;
    }

    internal DateTimeOffset? MarkedAt(string key, string name) =>
        ReadText(key, name) is { } text && long.TryParse(text, CultureInfo.InvariantCulture, out var milliseconds)
            ? DateTimeOffset.FromUnixTimeMilliseconds(milliseconds)
            : null;

    /// <summary>Text of a small file; null if the file does not exist.</summary>
    internal string? ReadText(string key, string name)
    {
        try
        {
            return File.ReadAllText(FileOf(key, name));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    public void Dispose() => _lock.Dispose();

    private static void Write(string path, byte[] bytes)
    {
        using (var file = File.Create(path + ".new"))
        {
            file.Write(bytes);
            // Without the flush, power loss may leave an empty file, and an unreadable record stops the next start.
            file.Flush(flushToDisk: true);
        }

        File.Move(path + ".new", path, overwrite: true);
    }

    private void ForgetLongReleased(DateTimeOffset now)
    {
        foreach (var file in new DirectoryInfo(_released).EnumerateFiles())
        {
            if (now.UtcDateTime - file.LastWriteTimeUtc > RememberReleased)
            {
                file.Delete();
            }
        }
    }
}
