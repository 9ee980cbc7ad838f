using System.Text.Json;
using System.Xml.Linq;

namespace Scheduler.Tidy;

/// <summary>A NuGet package of a lock file, with what its nuspec in the local package folder says.</summary>
/// <param name="Sha512">Base64, from the lock file.</param>
/// <param name="License">SPDX expression; null when the nuspec names a file or an address only.</param>
/// <param name="IsForBuildOnly">Whether it is an analyzer or a generator, of which nothing is shipped.</param>
/// <param name="Dependencies">Ids of packages of the same lock file.</param>
internal sealed record Package(
    string Id,
    string Version,
    string Sha512,
    string? License,
    bool IsForBuildOnly,
    IReadOnlyList<string> Dependencies
)
{
    public bool IsPreRelease => Version.Contains('-', StringComparison.Ordinal);

    private static string Folder =>
        Environment.GetEnvironmentVariable("NUGET_PACKAGES")
        ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");

    /// <summary>The packages of one lock file, in order of id.</summary>
    public static IReadOnlyList<Package> ReadLock(string file)
    {
        using var json = JsonDocument.Parse(File.ReadAllText(file));
        return
        [
            .. json
                .RootElement.GetProperty("dependencies")
                .EnumerateObject()
                .SelectMany(framework => framework.Value.EnumerateObject())
                .Where(entry => entry.Value.GetProperty("type").GetString() != "Project")
                .Select(entry => Read(entry.Name, entry.Value))
                .OrderBy(package => package.Id, StringComparer.Ordinal),
        ];
    }

    /// <summary>The packages of every project in a folder of the repository.</summary>
    public static IReadOnlyList<Package> ReadAll(string folder) =>
        [
            .. Repo.Files(folder, "packages.lock.json")
                .SelectMany(ReadLock)
                .DistinctBy(package => (package.Id, package.Version))
                .OrderBy(package => package.Id, StringComparer.Ordinal),
        ];

    private static Package Read(string id, JsonElement entry)
    {
        var version = entry.GetProperty("resolved").GetString()!;
        var lower = id.ToLowerInvariant();
        var metadata = XDocument
            .Load(Path.Combine(Folder, lower, version.ToLowerInvariant(), $"{lower}.nuspec"))
            .Root!.Elements()
            .Single(element => element.Name.LocalName == "metadata")
            .Elements()
            .ToLookup(element => element.Name.LocalName);
        var license = metadata["license"]
            .SingleOrDefault(element => (string?)element.Attribute("type") == "expression");
        return new Package(
            id,
            version,
            entry.GetProperty("contentHash").GetString()!,
            license?.Value.Trim(),
            metadata["developmentDependency"].SingleOrDefault()?.Value == "true",
            entry.TryGetProperty("dependencies", out var dependencies)
                ? [.. dependencies.EnumerateObject().Select(dependency => dependency.Name)]
                : []
        );
    }
}
