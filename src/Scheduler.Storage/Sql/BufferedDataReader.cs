using System.Collections;
using System.Data.Common;
using System.Globalization;

namespace Scheduler.Storage.Sql;

/// <summary>ADO.NET reader over rows that are already in memory.</summary>
/// <param name="rows">One array per row, with numbers, strings, byte arrays or <see cref="DBNull"/>.</param>
internal sealed class BufferedDataReader(string[] columns, List<object[]> rows) : DbDataReader
{
    private int _row = -1;
    private bool _closed;

    public override int FieldCount => columns.Length;

    public override bool HasRows => rows.Count > 0;

    public override bool IsClosed => _closed;

    public override int Depth => 0;

    public override int RecordsAffected => -1;

    public override object this[int ordinal] => GetValue(ordinal);

    public override object this[string name] => GetValue(GetOrdinal(name));

    public override bool Read() => Advance();

    public override Task<bool> ReadAsync(CancellationToken cancellationToken) =>
        cancellationToken.IsCancellationRequested
            ? Task.FromCanceled<bool>(cancellationToken)
            : Task.FromResult(Advance());

    public override bool NextResult() => false;

    public override Task<bool> NextResultAsync(CancellationToken cancellationToken) => Task.FromResult(false);

    public override void Close() => _closed = true;

    public override string GetName(int ordinal) => columns[ordinal];

    public override int GetOrdinal(string name)
    {
        var exact = Array.IndexOf(columns, name);
        var ordinal =
            exact >= 0 ? exact : Array.FindIndex(columns, c => c.Equals(name, StringComparison.OrdinalIgnoreCase));
#pragma warning disable CA2201, MA0012 // ADO.NET prescribes this exception for an unknown column.
        return ordinal >= 0 ? ordinal : throw new IndexOutOfRangeException($"There is no column '{name}'.");
#pragma warning restore CA2201, MA0012
    }

    public override object GetValue(int ordinal) => rows[_row][ordinal];

    public override bool IsDBNull(int ordinal) => GetValue(ordinal) is DBNull;

    public override Task<bool> IsDBNullAsync(int ordinal, CancellationToken cancellationToken) =>
        Task.FromResult(GetValue(ordinal) is DBNull);

    public override int GetValues(object[] values)
    {
        var count = Math.Min(values.Length, FieldCount);
        Array.Copy(rows[_row], values, count);
        return count;
    }

    public override Type GetFieldType(int ordinal) =>
        _row >= 0 && _row < rows.Count ? GetValue(ordinal).GetType() : typeof(object);

    public override string GetDataTypeName(int ordinal) =>
        GetFieldType(ordinal) == typeof(long) ? "INTEGER"
        : GetFieldType(ordinal) == typeof(double) ? "REAL"
        : GetFieldType(ordinal) == typeof(byte[]) ? "BLOB"
        : "TEXT";

    public override T GetFieldValue<T>(int ordinal) => Convert<T>(ordinal);

    public override Task<T> GetFieldValueAsync<T>(int ordinal, CancellationToken cancellationToken) =>
        Task.FromResult(Convert<T>(ordinal));

    public override bool GetBoolean(int ordinal) => GetInt64(ordinal) != 0;

    public override byte GetByte(int ordinal) => checked((byte)GetInt64(ordinal));

    public override char GetChar(int ordinal) => GetString(ordinal)[0];

    public override short GetInt16(int ordinal) => checked((short)GetInt64(ordinal));

    public override int GetInt32(int ordinal) => checked((int)GetInt64(ordinal));

    public override long GetInt64(int ordinal) =>
        System.Convert.ToInt64(GetValue(ordinal), CultureInfo.InvariantCulture);

    public override float GetFloat(int ordinal) => (float)GetDouble(ordinal);

    public override double GetDouble(int ordinal) =>
        System.Convert.ToDouble(GetValue(ordinal), CultureInfo.InvariantCulture);

    public override decimal GetDecimal(int ordinal) =>
        System.Convert.ToDecimal(GetValue(ordinal), CultureInfo.InvariantCulture);

    public override string GetString(int ordinal) => (string)GetValue(ordinal);

    public override Guid GetGuid(int ordinal) => Guid.Parse(GetString(ordinal), CultureInfo.InvariantCulture);

    public override DateTime GetDateTime(int ordinal) =>
        DateTime.Parse(
            GetString(ordinal),
            CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal
        );

    public override Stream GetStream(int ordinal) => new MemoryStream((byte[])GetValue(ordinal), writable: false);

    public override long GetBytes(int ordinal, long dataOffset, byte[]? buffer, int bufferOffset, int length)
    {
        var bytes = (byte[])GetValue(ordinal);
        if (buffer is null)
        {
            return bytes.Length;
        }

        var count = (int)Math.Clamp(bytes.Length - dataOffset, 0, length);
        Array.Copy(bytes, dataOffset, buffer, bufferOffset, count);
        return count;
    }

    public override long GetChars(int ordinal, long dataOffset, char[]? buffer, int bufferOffset, int length)
    {
        var text = GetString(ordinal);
        if (buffer is null)
        {
            return text.Length;
        }

        var count = (int)Math.Clamp(text.Length - dataOffset, 0, length);
        text.CopyTo((int)dataOffset, buffer, bufferOffset, count);
        return count;
    }

    public override IEnumerator GetEnumerator() => new DbEnumerator(this, closeReader: false);

    private bool Advance()
    {
        _row = Math.Min(_row + 1, rows.Count);
        return _row < rows.Count;
    }

    private T Convert<T>(int ordinal) =>
        GetValue(ordinal) switch
        {
            T value => value,
            DBNull => throw new InvalidCastException($"Column '{columns[ordinal]}' is NULL."),
            _ when typeof(T) == typeof(DateTimeOffset) => (T)(object)UtcText.Parse(GetString(ordinal)),
            _ when typeof(T) == typeof(DateTime) => (T)(object)GetDateTime(ordinal),
            _ when typeof(T) == typeof(Stream) => (T)(object)GetStream(ordinal),
            var value => (T)System.Convert.ChangeType(value, typeof(T), CultureInfo.InvariantCulture),
        };
}
