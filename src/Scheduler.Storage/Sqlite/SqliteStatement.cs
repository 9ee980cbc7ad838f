using System.Globalization;
using Scheduler.Storage.Sql;
using SQLitePCL;

namespace Scheduler.Storage.Sqlite;

/// <summary>
/// One prepared statement. It calls SQLite directly instead of through a command object, which looks up its
/// parameters by name on every run. The single writer thread is the bottleneck of the store.
/// </summary>
internal sealed class SqliteStatement : ISqlRow, IDisposable
{
    private readonly sqlite3 _handle;
    private readonly sqlite3_stmt _statement;
    private readonly string[] _parameters;
    private string[]? _columns;

    public SqliteStatement(sqlite3 handle, string sql)
    {
        _handle = handle;
        SqliteErrors.Check(raw.sqlite3_prepare_v2(handle, sql, out _statement, out var tail), handle);
        if (!string.IsNullOrWhiteSpace(tail))
        {
            _statement.Dispose();
            throw new NotSupportedException(
                "One statement at a time: only a single one is undone whole when it fails."
            );
        }

        _parameters = new string[raw.sqlite3_bind_parameter_count(_statement)];
        for (var i = 0; i < _parameters.Length; i++)
        {
            _parameters[i] = raw.sqlite3_bind_parameter_name(_statement, i + 1).utf8_to_string();
        }
    }

    /// <summary>Column names of the result; empty for a statement without a result.</summary>
    public string[] Columns => _columns ??= ReadColumns();

    /// <param name="values">Parameter values; values that the statement does not use are ignored.</param>
    /// <param name="map">Converts the current row; the row is valid only during the call.</param>
    public List<T> Query<T>(ReadOnlySpan<SqlValue> values, Func<SqliteStatement, T> map)
    {
        Bind(values);
        try
        {
            var rows = new List<T>();
            int result;
            while ((result = raw.sqlite3_step(_statement)) == raw.SQLITE_ROW)
            {
                rows.Add(map(this));
            }

            SqliteErrors.Check(result, _handle);
            return rows;
        }
        finally
        {
            _ = raw.sqlite3_reset(_statement);
            _ = raw.sqlite3_clear_bindings(_statement);
        }
    }

    /// <returns>Number of rows changed by the statement itself, without those changed by triggers.</returns>
    public int Execute(ReadOnlySpan<SqlValue> values)
    {
        _ = Query(values, static _ => true);
        return raw.sqlite3_changes(_handle);
    }

    public bool IsNull(int column) => raw.sqlite3_column_type(_statement, column) == raw.SQLITE_NULL;

    public string Text(int column) => raw.sqlite3_column_text(_statement, column).utf8_to_string();

    public string? TextOrNull(int column) => IsNull(column) ? null : Text(column);

    public long Number(int column) => raw.sqlite3_column_int64(_statement, column);

    public byte[] Bytes(int column) => raw.sqlite3_column_blob(_statement, column).ToArray();

    public DateTimeOffset Time(int column) => UtcText.Parse(Text(column));

    /// <summary>The column as ADO.NET represents it: number, text, bytes or <see cref="DBNull"/>.</summary>
    public object Value(int column) =>
        raw.sqlite3_column_type(_statement, column) switch
        {
            raw.SQLITE_INTEGER => Number(column),
            raw.SQLITE_FLOAT => raw.sqlite3_column_double(_statement, column),
            raw.SQLITE_TEXT => Text(column),
            raw.SQLITE_BLOB => Bytes(column),
            _ => DBNull.Value,
        };

    public void Dispose() => _statement.Dispose();

    private void Bind(ReadOnlySpan<SqlValue> values)
    {
        for (var i = 0; i < _parameters.Length; i++)
        {
            SqliteErrors.Check(Bind(i + 1, Find(values, _parameters[i])), _handle);
        }
    }

    private static object? Find(ReadOnlySpan<SqlValue> values, string name)
    {
        foreach (var value in values)
        {
            // Orleans names its parameters without the leading @.
            if (name.AsSpan(1).SequenceEqual(value.Name.StartsWith('@') ? value.Name.AsSpan(1) : value.Name.AsSpan()))
            {
                return value.Value;
            }
        }

        throw new InvalidOperationException($"The statement needs parameter {name}.");
    }

    private int Bind(int index, object? value) =>
        value switch
        {
            null or DBNull => raw.sqlite3_bind_null(_statement, index),
            string text => raw.sqlite3_bind_text(_statement, index, text),
            long number => raw.sqlite3_bind_int64(_statement, index, number),
            int number => raw.sqlite3_bind_int64(_statement, index, number),
            bool flag => raw.sqlite3_bind_int64(_statement, index, flag ? 1 : 0),
            byte[] bytes => raw.sqlite3_bind_blob(_statement, index, bytes),
            DateTimeOffset time => raw.sqlite3_bind_text(_statement, index, UtcText.Format(time)),
            _ => throw new NotSupportedException(
                string.Create(CultureInfo.InvariantCulture, $"Cannot bind a {value.GetType().Name}.")
            ),
        };

    private string[] ReadColumns()
    {
        var columns = new string[raw.sqlite3_column_count(_statement)];
        for (var i = 0; i < columns.Length; i++)
        {
            columns[i] = raw.sqlite3_column_name(_statement, i).utf8_to_string();
        }

        return columns;
    }
}
