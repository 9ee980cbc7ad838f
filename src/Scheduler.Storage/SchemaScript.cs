using System.Globalization;
using System.Reflection;

namespace Scheduler.Storage;

/// <summary>One numbered step of a database's schema.</summary>
/// <param name="Version">Its number, from 1.</param>
/// <param name="Name">Its file name.</param>
/// <param name="Text">The SQL.</param>
internal sealed record SchemaScript(int Version, string Name, string Text)
{
    private static readonly Assembly Assembly = typeof(SchemaScript).Assembly;

    /// <summary>All steps of one kind of database, in order.</summary>
    /// <param name="kind"><c>Sqlite</c> or <c>PostgreSql</c>.</param>
    public static IReadOnlyList<SchemaScript> ReadAll(string kind)
    {
        var prefix = $"Scheduler.Storage.Schema.{kind}.";
        return
        [
            .. Assembly
                .GetManifestResourceNames()
                .Where(name => name.StartsWith(prefix, StringComparison.Ordinal))
                .Order(StringComparer.Ordinal)
                .Select(name => Read(name, name[prefix.Length..])),
        ];
    }

    private static SchemaScript Read(string resource, string name)
    {
        using var reader = new StreamReader(Assembly.GetManifestResourceStream(resource)!);
        return new(int.Parse(name.AsSpan(0, 4), CultureInfo.InvariantCulture), name, reader.ReadToEnd());
    }
}
