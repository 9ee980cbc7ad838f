using System.Text.Json.Nodes;
using System.Xml.Linq;
using Xunit;

namespace Scheduler.Tidy;

/// <summary>What the program is made of: licences, versions that are not final, and the bill of materials.</summary>
public sealed class PackagesTests
{
    /// <summary>Versions that are not final, each with the reason.</summary>
    private static readonly Dictionary<string, string> PreReleases = new()
    {
        ["OpenTelemetry.Exporter.Prometheus.AspNetCore"] =
            "The exporter has no final version; metrics can go over OTLP instead.",
        ["Microsoft.Orleans.DurableJobs"] = "Orleans' testing host depends on it; only tests have it.",
        ["Microsoft.Orleans.Journaling"] = "Orleans' testing host depends on it; only tests have it.",
    };

    [Theory]
    [InlineData("src")]
    [InlineData("tests")]
    public void Every_dependency_has_a_licence_without_copyleft(string folder)
    {
        var packages = Package.ReadAll(folder);
        Assert.NotEmpty(packages);
        Assert.All(
            packages,
            package =>
                Assert.True(
                    Licenses.Accepted.Contains(Licenses.Of(package), StringComparer.Ordinal),
                    $"{package.Id} {package.Version} has the licence {Licenses.Of(package)}. Accepted are {string.Join(", ", Licenses.Accepted)}."
                )
        );
    }

    [Fact]
    public void Every_version_that_is_not_final_has_a_reason() =>
        Assert.Equal(
            PreReleases.Keys.Order(StringComparer.Ordinal),
            Package
                .ReadAll("src")
                .Concat(Package.ReadAll("tests"))
                .Where(package => package.IsPreRelease)
                .Select(package => package.Id)
                .Distinct(StringComparer.Ordinal)
                .Order(StringComparer.Ordinal)
        );

    [Fact]
    public void The_bill_of_materials_names_every_package_with_hash_licence_and_dependencies()
    {
        var packages = Package.ReadLock(Repo.Path("src", "Scheduler.Host", "packages.lock.json"));

        var bill = JsonNode.Parse(BillOfMaterials.Of("scheduler", Version(), packages))!;

        var components = bill["components"]!.AsArray();
        Assert.Equal(packages.Count, components.Count);
        Assert.All(
            components,
            component =>
            {
                Assert.Equal(128, ((string?)component!["hashes"]![0]!["content"])!.Length);
                Assert.Contains((string?)component["licenses"]![0]!["license"]!["id"], Licenses.Accepted);
            }
        );
        var refs = components.Select(component => (string?)component!["bom-ref"]).ToHashSet();
        Assert.Contains($"pkg:nuget/Npgsql@{packages.Single(package => package.Id == "Npgsql").Version}", refs);
        Assert.All(
            bill["dependencies"]!.AsArray(),
            entry => Assert.All(entry!["dependsOn"]!.AsArray(), id => Assert.Contains((string?)id, refs))
        );
        Assert.Contains(
            bill["dependencies"]!.AsArray(),
            entry =>
                (string?)entry!["ref"] != $"pkg:generic/scheduler@{Version()}"
                && entry["dependsOn"]!.AsArray().Count > 0
        );
    }

    /// <summary>Part of the nightly run: the file is what a release publishes beside the program.</summary>
    [Fact(Explicit = true)]
    public void The_bill_of_materials_is_written()
    {
        var packages = Package.ReadLock(Repo.Path("src", "Scheduler.Host", "packages.lock.json"));
        var folder = Directory.CreateDirectory(Repo.Path("artifacts", "sbom"));
        File.WriteAllText(
            Path.Combine(folder.FullName, "scheduler.cdx.json"),
            BillOfMaterials.Of("scheduler", Version(), packages)
        );
    }

    private static string Version() =>
        XDocument.Load(Repo.Path("Directory.Build.props")).Descendants("Version").Single().Value;
}
