using System.Globalization;
using Scheduler.Storage;
using Scheduler.Storage.Sqlite;

namespace Scheduler.Host.Demo;

/// <summary><c>scheduler demo --fresh</c>: keeps the data so far in a folder of its own and starts on new data.</summary>
internal static class FreshData
{
    /// <summary>Moves the store and the journal of the simulated cloud aside. Keys and sessions of the dashboard stay.</summary>
    /// <returns>The folder with the data so far; null without data.</returns>
    /// <exception cref="StorageUnusableException">A process uses the store; nothing was moved.</exception>
    public static string? MoveAside(Settings settings, DateTimeOffset now)
    {
        var name = now.UtcDateTime.ToString("'before-'yyyyMMdd-HHmmss-fff", CultureInfo.InvariantCulture);
        var folder = Path.Combine(settings.OwnFolder, name);
        var isMoved = SqliteFiles.MoveAside(settings.Storage, folder);
        if (settings.SimulatedState is { } journal && File.Exists(journal))
        {
            // Without the store, the cloud's allocations belong to no instance.
            Directory.CreateDirectory(folder);
            File.Move(journal, Path.Combine(folder, Path.GetFileName(journal)));
            isMoved = true;
        }

        return isMoved ? folder : null;
    }
}
