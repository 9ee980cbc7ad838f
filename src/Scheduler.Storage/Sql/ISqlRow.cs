namespace Scheduler.Storage.Sql;

/// <summary>The current row of a query, by column number from 0; valid until the next row is read.</summary>
internal interface ISqlRow
{
    /// <summary>For a column that is never NULL.</summary>
    string Text(int column);

    string? TextOrNull(int column);

    long Number(int column);

    /// <summary>UTC, with millisecond precision.</summary>
    DateTimeOffset Time(int column);

    /// <summary>A text column as UTF-8, in a new array.</summary>
    byte[] Bytes(int column);
}
