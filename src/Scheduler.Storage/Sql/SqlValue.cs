namespace Scheduler.Storage.Sql;

/// <summary>A named parameter of a statement; null binds NULL.</summary>
/// <param name="Name">With or without the leading <c>@</c>.</param>
/// <param name="Value">Null, text, number, bytes or time.</param>
internal readonly record struct SqlValue(string Name, object? Value);
