using Npgsql;
using NpgsqlTypes;
using Scheduler.Domain.Storage;

namespace Scheduler.Storage.PostgreSql;

internal sealed class PostgreSqlStates : IAsyncDisposable
{
    /// <summary>
    /// Two, so that the next batch can start while the previous one reaches the disk. More lanes would only make the
    /// batches smaller.
    /// </summary>
    private const int WriteLanes = 2;

    private const int ReadLanes = 2;

    private const string ReadSql =
        "SELECT a.ordinal, s.payload, s.version FROM unnest(@kinds, @ids, @n0s, @n1s) WITH ORDINALITY AS a (kind, id, n0, n1, ordinal) "
        + "JOIN states AS s ON s.kind = a.kind AND s.id = a.id AND s.n0 = a.n0 AND s.n1 = a.n1";

    private const string WriteSql =
        "SELECT ordinal, new_version FROM write_states(@kinds, @ids, @n0s, @n1s, @expected, @payloads)";

    // Forces index look-ups by key, also in a new database that has no statistics yet.
    private const string PlanByKeys =
        "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET plan_cache_mode = force_generic_plan; SET jit = off";

    private readonly NpgsqlDataSource _source;
    private readonly GroupCommit<Write, int?> _writes;
    private readonly GroupCommit<Key, Found?> _reads;
    private long _commits;
    private long _statements;

    public PostgreSqlStates(string connectionString, int maxBatch)
    {
        // Only these two statements use the pool, so sessions need no reset, and both statements stay prepared.
        var text = new NpgsqlConnectionStringBuilder(connectionString)
        {
            NoResetOnClose = true,
            MaxPoolSize = WriteLanes + ReadLanes,
            MaxAutoPrepare = 4,
            AutoPrepareMinUsages = 1,
        };
        var builder = new NpgsqlDataSourceBuilder(text.ConnectionString);
        builder.UsePhysicalConnectionInitializer(
            connection =>
            {
                using var command = new NpgsqlCommand(PlanByKeys, connection);
                command.ExecuteNonQuery();
            },
            async connection =>
            {
                await using var command = new NpgsqlCommand(PlanByKeys, connection);
                await command.ExecuteNonQueryAsync();
            }
        );
        _source = builder.Build();
        _writes = new(WriteLanes, maxBatch, WriteAsync);
        _reads = new(ReadLanes, maxBatch, ReadAsync);
    }

    public int Waiting => _writes.Waiting;

    public long Commits => Interlocked.Read(ref _commits);

    public long Statements => Interlocked.Read(ref _statements);

    /// <returns>Null if there is no row.</returns>
    public Task<Found?> ReadAsync(Key key, CancellationToken cancellationToken) =>
        _reads.RunAsync(key, cancellationToken);

    /// <returns>New version; null if the stored version is not the expected one.</returns>
    public Task<int?> WriteAsync(Write write, CancellationToken cancellationToken) =>
        _writes.RunAsync(write, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await _writes.DisposeAsync();
        await _reads.DisposeAsync();
        await _source.DisposeAsync();
    }

    private async Task<Found?[]> ReadAsync(IReadOnlyList<Key> keys)
    {
        await using var connection = await OpenAsync();
        await using var command = new NpgsqlCommand(ReadSql, connection);
        AddKeys(command, keys);
        var found = new Found?[keys.Count];
        await using var rows = await command.ExecuteReaderAsync();
        while (await rows.ReadAsync())
        {
            var payload = await rows.IsDBNullAsync(1) ? null : await rows.GetFieldValueAsync<byte[]>(1);
            found[rows.GetInt64(0) - 1] = new Found(payload, rows.GetInt32(2));
        }

        return found;
    }

    private async Task<int?[]> WriteAsync(IReadOnlyList<Write> writes)
    {
        // Sorted by key, so that two silos that write the same rows cannot deadlock.
        var order = Enumerable
            .Range(0, writes.Count)
            .OrderBy(i => writes[i].Key.Kind, StringComparer.Ordinal)
            .ThenBy(i => writes[i].Key.Id, StringComparer.Ordinal)
            .ToArray();
        await using var connection = await OpenAsync();
        await using var command = new NpgsqlCommand(WriteSql, connection);
        AddKeys(command, [.. order.Select(i => writes[i].Key)]);
        Add(command, "expected", NpgsqlDbType.Integer, order.Select(i => writes[i].Expected).ToArray());
        Add(command, "payloads", NpgsqlDbType.Text, order.Select(i => writes[i].Payload).ToArray());
        var versions = new int?[writes.Count];
        await using (var rows = await command.ExecuteReaderAsync())
        {
            while (await rows.ReadAsync())
            {
                versions[order[rows.GetInt64(0) - 1]] = rows.GetInt32(1);
            }
        }

        Interlocked.Increment(ref _commits);
        Interlocked.Add(ref _statements, writes.Count);
        return versions;
    }

    /// <summary>Opens a connection. Only for this failure is it certain that nothing was stored.</summary>
    private async Task<NpgsqlConnection> OpenAsync()
    {
        try
        {
            return await _source.OpenConnectionAsync();
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException)
        {
            throw new StorageException(
                $"The database cannot be reached ({exception.Message}): nothing was read or written.",
                exception
            );
        }
    }

    private static void AddKeys(NpgsqlCommand command, IReadOnlyList<Key> keys)
    {
        Add(command, "kinds", NpgsqlDbType.Text, keys.Select(key => key.Kind).ToArray());
        Add(command, "ids", NpgsqlDbType.Text, keys.Select(key => key.Id).ToArray());
        Add(command, "n0s", NpgsqlDbType.Bigint, keys.Select(key => key.N0).ToArray());
        Add(command, "n1s", NpgsqlDbType.Bigint, keys.Select(key => key.N1).ToArray());
    }

    private static void Add(NpgsqlCommand command, string name, NpgsqlDbType type, Array values) =>
        command.Parameters.Add(new NpgsqlParameter(name, NpgsqlDbType.Array | type) { Value = values });

    internal sealed record Key(string Kind, string Id, long N0, long N1);

    /// <param name="Expected">Required version of the row; null for the first write.</param>
    internal sealed record Write(Key Key, int? Expected, string Payload);

    /// <param name="Payload">UTF-8 JSON; null after a clear.</param>
    internal sealed record Found(byte[]? Payload, int Version);
}
