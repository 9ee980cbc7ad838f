using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Scheduler.Tidy;

/// <summary>
/// The packages of the program as a CycloneDX 1.6 document. It contains no time and no random number: the same lock file gives the same
/// text. The .NET runtime is not in it; the image or the host brings it.
/// </summary>
internal static class BillOfMaterials
{
    private static readonly JsonSerializerOptions Indented = new()
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static string Of(string name, string version, IReadOnlyList<Package> packages)
    {
        var root = $"pkg:generic/{name}@{version}";
        var refs = packages.ToDictionary(package => package.Id, RefOf, StringComparer.OrdinalIgnoreCase);
        return new JsonObject
        {
            ["bomFormat"] = "CycloneDX",
            ["specVersion"] = "1.6",
            ["version"] = 1,
            ["metadata"] = new JsonObject
            {
                ["component"] = new JsonObject
                {
                    ["type"] = "application",
                    ["bom-ref"] = root,
                    ["name"] = name,
                    ["version"] = version,
                },
            },
            ["components"] = new JsonArray([.. packages.Select(ComponentOf)]),
            ["dependencies"] = new JsonArray([
                DependenciesOf(root, refs.Values),
                .. packages.Select(package =>
                    DependenciesOf(RefOf(package), package.Dependencies.Where(refs.ContainsKey).Select(id => refs[id]))
                ),
            ]),
        }.ToJsonString(Indented);
    }

    private static string RefOf(Package package) => $"pkg:nuget/{package.Id}@{package.Version}";

    private static JsonObject ComponentOf(Package package) =>
        new()
        {
            ["type"] = "library",
            ["bom-ref"] = RefOf(package),
            ["name"] = package.Id,
            ["version"] = package.Version,
            ["scope"] = package.IsForBuildOnly ? "excluded" : "required",
            ["hashes"] = new JsonArray(
                new JsonObject
                {
                    ["alg"] = "SHA-512",
                    ["content"] = Convert.ToHexStringLower(Convert.FromBase64String(package.Sha512)),
                }
            ),
            ["licenses"] = new JsonArray(
                new JsonObject { ["license"] = new JsonObject { ["id"] = Licenses.Of(package) } }
            ),
            ["purl"] = RefOf(package),
        };

    private static JsonObject DependenciesOf(string from, IEnumerable<string> to) =>
        new()
        {
            ["ref"] = from,
            ["dependsOn"] = new JsonArray([.. to.Order(StringComparer.Ordinal).Select(id => (JsonNode)id)]),
        };
}
