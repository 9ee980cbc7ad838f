using System.Globalization;
using System.Reflection;

namespace Scheduler.Storage;

/// <param name="Version">
/// First four digits of the file name, from 1. Only this number identifies a script in <c>schema_version</c>, so a file
/// may be renamed and its comments may change.
/// </param>
/// <param name="Name">File name; recorded for information only.</param>
internal sealed record SchemaScript(int Version, string Name, string Text)
{
    private static readonly Assembly Assembly = typeof(SchemaScript).Assembly;

    /// <param name="kind"><c>Sqlite</c> or <c>PostgreSql</c>.</param>
    /// <returns>All scripts, in order of version.</returns>
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
