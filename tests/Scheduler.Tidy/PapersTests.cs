using System.Text.RegularExpressions;
using System.Xml.Linq;
using Xunit;

namespace Scheduler.Tidy;

/// <summary>There is one version number, and nothing grants a licence before the owner has chosen one.</summary>
public sealed partial class PapersTests
{
    private static string Version { get; } =
        XDocument.Load(Repo.Path("Directory.Build.props")).Descendants("Version").Single().Value;

    [Fact]
    public void README_and_the_list_of_changes_name_the_version_of_the_build()
    {
        Assert.Contains($"\nVersion {Version} (", File.ReadAllText(Repo.Path("README.md")));
        var latest = File.ReadLines(Repo.Path(".github", "CHANGELOG.md")).First(line => line.StartsWith("## "));
        Assert.Equal(Version, latest.Split(' ')[1]);
    }

    [Fact]
    public void No_project_has_a_version_of_its_own() =>
        Assert.DoesNotContain(
            Repo.Files("src", "*.csproj").Concat(Repo.Files("tests", "*.csproj")),
            project => File.ReadAllText(project).Contains("<Version>", StringComparison.Ordinal)
        );

    /// <remarks>Packages of others keep theirs: their lock files are not ours.</remarks>
    [Fact]
    public void Nothing_grants_a_licence_while_none_is_chosen()
    {
        Assert.Contains("has not chosen a licence", File.ReadAllText(Repo.Path("README.md")));
        string[] folders = ["src", "tests", "deploy", "silo-config", ".github"];
        var files = folders
            .SelectMany(folder => Repo.Files(folder, "*"))
            .Concat(Directory.EnumerateFiles(Repo.Root))
            .Where(file => Path.GetFileName(file) is not ("packages.lock.json" or "package-lock.json"))
            .Where(file => Path.GetFileName(file) != $"{nameof(PapersTests)}.cs")
            .ToList();
        Assert.DoesNotContain(files, file => NameOfGrant().IsMatch(Path.GetFileName(file)));
        var source = files.Where(file =>
            Path.GetExtension(file) is ".cs" or ".csproj" or ".props" or ".targets" or ".json" or ".yaml" or ".proto"
            || Path.GetFileName(file) == "Dockerfile"
        );
        Assert.DoesNotContain(source, file => Grant().IsMatch(File.ReadAllText(file)));
    }

    [GeneratedRegex(@"^(licen[cs]e|copying|unlicense|notice)(\.|$)", RegexOptions.IgnoreCase)]
    private static partial Regex NameOfGrant();

    [GeneratedRegex("PackageLicense|SPDX-License-Identifier|image\\.licenses|OpenApiLicense|\"license\":")]
    private static partial Regex Grant();
}
