using Scheduler.Storage;
using Scheduler.Storage.Sqlite;

namespace Scheduler.Host;

/// <summary><c>scheduler backup --to FILE</c>: copies the SQLite store, also while a scheduler writes to it.</summary>
internal static class BackupCommand
{
    public static async Task<bool> RunAsync(Settings settings, string target)
    {
        try
        {
            var report = SqliteBackup.Write(settings.Storage.Sqlite.Path, target);
            await Console.Out.WriteLineAsync(
                $"backup {Path.GetFullPath(target)} schema_version={report.SchemaVersion} accounts={report.Accounts} "
                    + $"instances={report.Instances} ledger_entries={report.LedgerEntries} bytes={report.Bytes}"
            );
            return true;
        }
        catch (StorageUnusableException exception)
        {
            await Console.Error.WriteLineAsync($"No back-up was made: {exception.Message}");
            return false;
        }
    }
}
