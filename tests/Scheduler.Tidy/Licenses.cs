namespace Scheduler.Tidy;

/// <summary>The licences that a dependency may have: none asks for the source of the program that uses it.</summary>
internal static class Licenses
{
    /// <summary>SPDX ids.</summary>
    public static readonly string[] Accepted =
    [
        "0BSD",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "ISC",
        "MIT",
        "PostgreSQL",
        "Zlib",
    ];

    /// <summary>Packages whose nuspec names only a file, as a person has read it.</summary>
    private static readonly Dictionary<string, string> Read = new(StringComparer.Ordinal)
    {
        ["CommandLineParser 2.9.1"] = "MIT",
        ["Microsoft.DotNet.PlatformAbstractions 3.1.6"] = "MIT",
    };

    public static string Of(Package package) =>
        package.License ?? Read.GetValueOrDefault($"{package.Id} {package.Version}", "unknown");
}
