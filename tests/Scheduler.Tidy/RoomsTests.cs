using System.Reflection;
using System.Xml.Linq;
using Xunit;

namespace Scheduler.Tidy;

public sealed class RoomsTests
{
    /// <summary>The references each project may have.</summary>
    private static readonly Dictionary<string, string[]> AllowedReferences = new()
    {
        ["Scheduler.Domain"] = [],
        ["Scheduler.Grains"] = ["Scheduler.Domain"],
        ["Scheduler.Storage"] = ["Scheduler.Domain"],
        ["Scheduler.Providers"] = ["Scheduler.Domain"],
        ["Scheduler.Edge"] = ["Scheduler.Grains"],
        ["Scheduler.Api"] = ["Scheduler.Edge"],
        ["Scheduler.Dashboard"] = ["Scheduler.Edge"],
        ["Scheduler.Inference"] = ["Scheduler.Edge"],
        ["Scheduler.Host"] =
        [
            "Scheduler.Api",
            "Scheduler.Dashboard",
            "Scheduler.Grains",
            "Scheduler.Inference",
            "Scheduler.Providers",
            "Scheduler.Storage",
        ],
    };

    /// <summary>The words that folders of a room may be called by: the slices of the spec.</summary>
    private static readonly string[] Slices =
    [
        "Agenda",
        "Balancers",
        "Billing",
        "Compatibility",
        "Events",
        "Failures",
        "Firewalls",
        "Ids",
        "Instances",
        "Keys",
        "Models",
        "Placement",
        "Providers",
        "Requests",
        "Runtimes",
        "Schedules",
        "Storage",
    ];

    /// <summary>Folders that are no slice, each with its reason.</summary>
    private static readonly Dictionary<string, string> Others = new()
    {
        ["Scheduler.Api/Pipeline"] = "what every call passes: validation, tenancy, errors of both transports",
        ["Scheduler.Dashboard/Fleet"] = "the first page: everything at a glance",
        ["Scheduler.Dashboard/Live"] = "how open windows learn that something is new",
        ["Scheduler.Dashboard/Shell"] = "what every page stands in: frame, forms, notices, errors, units",
        ["Scheduler.Dashboard/SignIn"] = "sessions: how they begin, what they are sealed with, how they end",
        ["Scheduler.Dashboard/wwwroot"] = "the one script and the styles",
        ["Scheduler.Edge/Limits"] = "how much a key, an address and all together may ask of a door",
        ["Scheduler.Inference/ContextCheck"] = "does a request fit the context of its instance?",
        ["Scheduler.Inference/Gateway"] = "the way of a request, in order",
        ["Scheduler.Inference/Serving"] = "what serving names stand for, kept fresh",
        ["Scheduler.Inference/Upstream"] = "how runtimes are asked",
        ["Scheduler.Api/OpenApi"] = "the document of the HTTP face",
        ["Scheduler.Api/Protos"] = "the contract",
        ["Scheduler.Api/Health"] = "what probes ask, on both transports",
        ["Scheduler.Grains/Health"] = "how store and offers stand, for probes",
        ["Scheduler.Grains/Queries"] = "questions over many slices",
        ["Scheduler.Grains/Telemetry"] = "what is counted and timed of all slices",
        ["Scheduler.Host/Clustering"] = "how processes become a cluster, and leave it",
        ["Scheduler.Host/Demo"] = "README's first command",
        ["Scheduler.Host/Tls"] = "certificates of doors and silos",
        ["Scheduler.Providers/Simulated"] = "an adapter",
        ["Scheduler.Providers/Process"] = "an adapter",
        ["Scheduler.Storage/Entities"] = "lists of the small kinds",
        ["Scheduler.Storage/PostgreSql"] = "the database of a cluster",
        ["Scheduler.Storage/Schema"] = "the SQL of tables, triggers and what Orleans asks",
        ["Scheduler.Storage/Sql"] = "one language over both databases",
        ["Scheduler.Storage/Sqlite"] = "the embedded database",
    };

    [Fact]
    public void Every_room_sees_only_whom_the_arrow_rule_allows()
    {
        var seen = Repo.Files("src", "*.csproj")
            .ToDictionary(
                file => Path.GetFileNameWithoutExtension(file),
                file =>
                    XDocument
                        .Load(file)
                        .Descendants("ProjectReference")
                        .Select(reference =>
                            Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value.Replace('\\', '/'))
                        )
                        .Order(StringComparer.Ordinal)
                        .ToArray()
            );
        Assert.Equal(AllowedReferences.Keys.Order(StringComparer.Ordinal), seen.Keys.Order(StringComparer.Ordinal));
        Assert.All(AllowedReferences, rule => Assert.Equal(rule.Value.Order(StringComparer.Ordinal), seen[rule.Key]));
    }

    [Fact]
    public void Folders_of_a_room_are_named_by_the_slices_of_the_spec()
    {
        var unknown = Directory
            .EnumerateDirectories(Repo.Path("src"))
            .SelectMany(Directory.EnumerateDirectories)
            .Select(Repo.Relative)
            .Select(path => path["src/".Length..])
            .Where(path => path.Split('/')[1] is not ("obj" or "bin"))
            .Where(path => !Slices.Contains(path.Split('/')[1]) && !Others.ContainsKey(path));
        Assert.Empty(unknown);
    }

    [Fact]
    public void The_top_level_holds_what_was_agreed_and_nothing_else()
    {
        string[] agreed = ["deploy", "silo-config", "src", "tests", "Scheduler.sln", "README.md"];
        string[] build =
        [
            "Directory.Build.props",
            "Directory.Build.targets",
            "Directory.Packages.props",
            "global.json",
            "dotnet-tools.json",
            "artifacts",
            "TestResults",
            "data",
        ];
        var found = Directory
            .EnumerateFileSystemEntries(Repo.Root)
            .Select(entry => Path.GetFileName(entry))
            .Where(name => !name.StartsWith('.'));
        Assert.Empty(found.Except(agreed).Except(build));
    }

    [Fact]
    public void State_names_are_unique_because_the_storage_keys_rows_by_them_and_not_by_grain()
    {
        var names = Assembly
            .Load("Scheduler.Grains")
            .GetTypes()
            .SelectMany(type => type.GetConstructors())
            .SelectMany(constructor => constructor.GetParameters())
            .Select(parameter => parameter.GetCustomAttribute<PersistentStateAttribute>())
            .OfType<PersistentStateAttribute>()
            .Select(attribute => attribute.StateName)
            .ToList();
        Assert.NotEmpty(names);
        Assert.Equal(names.Distinct(StringComparer.OrdinalIgnoreCase), names);
    }
}
