using System.Globalization;
using System.Text.Json;

namespace Scheduler.Providers.Process;

/// <summary>
/// The state directory: one folder per allocation, and an empty file per released key. Everything the adapter knows is here, so a new
/// process (or a second one) over the same directory knows the same.
/// </summary>
/// <remarks>
/// <list type="bullet">
/// <item><c>live/{key}/record.json</c>: written before the child is started.</item>
/// <item><c>live/{key}/stat</c>: the child's own line of <c>/proc/self/stat</c>, written by the child before it runs the runtime.</item>
/// <item><c>live/{key}/output.log</c>, <c>live/{key}/exit</c>: its output, and its exit code once it has one.</item>
/// <item><c>live/{key}/ready</c>, <c>live/{key}/stopping</c>: it was healthy once; release was first asked for then.</item>
/// <item><c>released/{key}</c>: the key is never served again.</item>
/// </list>
/// Changes happen under <see cref="Hold"/>; files appear whole, by renaming.
/// </remarks>
internal sealed class ProcessStore : IDisposable
{
    /// <summary>A released key is asked for again within minutes or never; a week is plenty.</summary>
    private static readonly TimeSpan RememberReleased = TimeSpan.FromDays(7);

    /// <summary>Longest key taken: it becomes a file name.</summary>
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

    /// <summary>Whether a key can name a folder as it is.</summary>
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

    /// <summary>The key's folder goes, its tombstone stays.</summary>
    internal void Release(string key)
    {
        if (!IsUsable(key))
        {
            return;
        }

        File.WriteAllBytes(Path.Combine(_released, key), []);
        Forget(key);
    }

    /// <summary>The key's folder goes without a trace: nothing was ever started under it.</summary>
    internal void Forget(string key)
    {
        if (Directory.Exists(FolderOf(key)))
        {
            Directory.Delete(FolderOf(key), recursive: true);
        }
    }

    /// <summary>Marks once that something happened; the first time counts.</summary>
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

    /// <summary>A small file's text, or null where it is not there (any more).</summary>
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
            // Without it a power cut may leave the name without the bytes, and an unreadable record stops the next start.
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
