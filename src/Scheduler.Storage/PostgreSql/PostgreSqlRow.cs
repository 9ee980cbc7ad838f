using System.Text;
using Npgsql;
using Scheduler.Storage.Sql;

namespace Scheduler.Storage.PostgreSql;

internal sealed class PostgreSqlRow(NpgsqlDataReader reader) : ISqlRow
{
    public string Text(int column) => reader.GetString(column);

    public string? TextOrNull(int column) => reader.IsDBNull(column) ? null : reader.GetString(column);

    // GetFieldValue<long> also accepts integer and smallint columns.
    public long Number(int column) => reader.GetFieldValue<long>(column);

    public DateTimeOffset Time(int column) => reader.GetFieldValue<DateTimeOffset>(column);

    public byte[] Bytes(int column) => Encoding.UTF8.GetBytes(reader.GetString(column));
}
