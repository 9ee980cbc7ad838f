using System.Security.Cryptography;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Providers;
using Scheduler.Storage.Sql;

namespace Scheduler.Storage.Providers;

internal sealed class SqlAllocationJournal(ISqlStore store) : IAllocationJournal
{
    private const string Columns =
        "provider, allocation_key, version, phase, cluster, instance, asked_at, vendor_id, changed_at, notes";

    private const string Of = "WHERE provider = @provider AND allocation_key = @key";

    private const string Open = "phase IN ('Asking', 'Held', 'Releasing')";

    private const string Write =
        $"INSERT INTO allocations ({Columns}, writer) VALUES (@provider, @key, @next, @phase, @cluster, @instance, @asked, @vendor, @changed, @notes, @writer) "
        + "ON CONFLICT (provider, allocation_key) DO UPDATE SET version = excluded.version, phase = excluded.phase, cluster = excluded.cluster, "
        + "instance = excluded.instance, asked_at = excluded.asked_at, vendor_id = excluded.vendor_id, changed_at = excluded.changed_at, "
        + "notes = excluded.notes, writer = excluded.writer WHERE allocations.version = @expected";

    public async Task<AllocationEntry?> FindAsync(
        ProviderId provider,
        AllocationKey key,
        CancellationToken cancellationToken
    ) =>
        (
            await store.ListAsync(
                $"SELECT {Columns} FROM allocations {Of}",
                [new("@provider", provider.Value), new("@key", key.Value)],
                Read,
                cancellationToken
            )
        ).FirstOrDefault();

    public async Task<IReadOnlyList<AllocationEntry>> ListOpenAsync(
        ProviderId provider,
        CancellationToken cancellationToken
    ) =>
        await store.ListAsync(
            $"SELECT {Columns} FROM allocations WHERE provider = @provider AND {Open}",
            [new("@provider", provider.Value)],
            Read,
            cancellationToken
        );

    public async Task<bool> TryWriteAsync(AllocationEntry entry, CancellationToken cancellationToken)
    {
        // Statements tell no number of changed rows, so a mark tells whose write the row is.
        var writer = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(12));
        await store.ExecuteTogetherAsync([(Write, ValuesOf(entry, writer))], cancellationToken);
        var stored = await store.ListAsync(
            $"SELECT writer FROM allocations {Of}",
            [new("@provider", entry.Provider.Value), new("@key", entry.Key.Value)],
            row => row.Text(0),
            cancellationToken
        );
        return stored is [var last] && last == writer;
    }

    public Task ForgetAsync(ProviderId provider, DateTimeOffset before, CancellationToken cancellationToken) =>
        store.ExecuteTogetherAsync(
            [
                (
                    $"DELETE FROM allocations WHERE provider = @provider AND changed_at < @before AND NOT {Open}",
                    [new("@provider", provider.Value), new("@before", before)]
                ),
            ],
            cancellationToken
        );

    private static SqlValue[] ValuesOf(AllocationEntry entry, string writer) =>
        [
            new("@provider", entry.Provider.Value),
            new("@key", entry.Key.Value),
            new("@expected", entry.Version),
            new("@next", entry.Version + 1),
            new("@phase", entry.Phase.ToString()),
            new("@cluster", entry.Tag.Cluster),
            new("@instance", entry.Tag.Instance.Value ?? ""),
            // Empty for none, because the SQL does not imply the type of a NULL.
            new("@asked", entry.AskedAt is { } asked ? UtcText.Format(asked) : ""),
            new("@vendor", entry.VendorId ?? ""),
            new("@changed", entry.ChangedAt),
            new("@notes", entry.Notes),
            new("@writer", writer),
        ];

    private static AllocationEntry Read(ISqlRow row) =>
        new()
        {
            Provider = new ProviderId(row.Text(0)),
            Key = new AllocationKey(row.Text(1)),
            Version = row.Number(2),
            Phase = Enum.Parse<AllocationPhase>(row.Text(3)),
            Tag = new AllocationTag(row.Text(4), new InstanceId(row.Text(5))),
            AskedAt = row.Text(6) is { Length: > 0 } asked ? UtcText.Parse(asked) : null,
            VendorId = row.Text(7) is { Length: > 0 } vendor ? vendor : null,
            ChangedAt = row.Time(8),
            Notes = row.Text(9),
        };
}
