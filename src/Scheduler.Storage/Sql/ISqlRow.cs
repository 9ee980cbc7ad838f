namespace Scheduler.Storage.Sql;

/// <summary>The row a query stands on, by column number from 0; good until the next row.</summary>
internal interface ISqlRow
{
    /// <summary>A column that is never NULL.</summary>
    string Text(int column);

    /// <summary>A column that may be NULL.</summary>
    string? TextOrNull(int column);

    /// <summary>A whole number.</summary>
    long Number(int column);

    /// <summary>A moment, UTC, to the millisecond.</summary>
    DateTimeOffset Time(int column);

    /// <summary>A text as UTF-8, in memory of its own.</summary>
    byte[] Bytes(int column);
}
