using System.Reflection;
using System.Xml.Linq;
using Xunit;

namespace Scheduler.Tidy;

public sealed class ProjectsTests
{
    /// <summary>The allowed project references.</summary>
    private static readonly Dictionary<string, string[]> AllowedReferences = new()
    {
        ["Scheduler.ModelFit"] = [],
        ["Scheduler.Domain"] = ["Scheduler.ModelFit"],
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

    /// <summary>Folder names that are allowed in every project: the feature slices of the specification.</summary>
    private static readonly string[] Slices =
    [
        "Agenda",
        "Balancers",
        "Billing",
        "Compatibility",
        "Events",
        "Failures",
        "Firewalls",
        "Hosts",
        "Ids",
        "Instances",
        "Keys",
        "Models",
        "Placement",
        "Providers",
        "Requests",
        "Runtimes",
        "Schedules",
        "Secrets",
        "Services",
        "Storage",
    ];

    /// <summary>Other folders, each with its purpose.</summary>
    private static readonly Dictionary<string, string> Others = new()
    {
        ["Scheduler.Api/Pipeline"] = "request pipeline: validation, tenancy, errors of both transports",
        ["Scheduler.Dashboard/Fleet"] = "overview page",
        ["Scheduler.Dashboard/Live"] = "change notifications for open pages",
        ["Scheduler.Dashboard/Shell"] = "shared parts of pages: frame, forms, notices, errors, units",
        ["Scheduler.Dashboard/SignIn"] = "sessions: creation, sealing, expiry",
        ["Scheduler.Dashboard/wwwroot"] = "script and styles",
        ["Scheduler.Edge/Limits"] = "request limits per key, per address and in total",
        ["Scheduler.Inference/ContextCheck"] = "check of requests against the context of their instance",
        ["Scheduler.Inference/Dialects"] = "translation of other vendors' APIs to chat completions and back",
        ["Scheduler.Inference/Guard"] = "what a model reads of a body, and the body written from it",
        ["Scheduler.Inference/Gateway"] = "request pipeline of the gateway",
        ["Scheduler.Inference/Hosted"] = "endpoints outside: what may be reached",
        ["Scheduler.Inference/Serving"] = "resolution of serving names",
        ["Scheduler.Inference/Upstream"] = "calls to runtimes",
        ["Scheduler.Api/OpenApi"] = "OpenAPI document of the HTTP API",
        ["Scheduler.Api/Protos"] = "API contract",
        ["Scheduler.Api/Health"] = "health endpoints of both transports",
        ["Scheduler.ModelFit/Families"] = "families of models, one table row each",
        ["Scheduler.ModelFit/Towers"] = "towers for images and sound",
        ["Scheduler.Domain/Settings"] = "rules of settings",
        ["Scheduler.Grains/Health"] = "health of store and offers",
        ["Scheduler.Grains/Queries"] = "queries over several slices",
        ["Scheduler.Grains/Telemetry"] = "metrics of all slices",
        ["Scheduler.Host/Clustering"] = "cluster membership",
        ["Scheduler.Host/Demo"] = "first command of the README",
        ["Scheduler.Host/Load"] = "load command",
        ["Scheduler.Host/Tls"] = "certificates of API and silos",
        ["Scheduler.ModelFit/Data"] = "GPU table and model configs",
        ["Scheduler.Providers/Simulated"] = "an adapter",
        ["Scheduler.Providers/Docker"] = "an adapter",
        ["Scheduler.Providers/Http"] = "what adapters of HTTP APIs share: credentials, rates, errors, lists",
        ["Scheduler.Providers/Hub"] = "hub of models",
        ["Scheduler.Providers/Gpus"] = "the GPUs of a host, as the vendors' tools print them",
        ["Scheduler.Providers/Kubernetes"] = "an adapter",
        ["Scheduler.Providers/Worker"] = "an adapter",
        ["Scheduler.Providers/WorkerAgent"] = "the process on a host that the adapter `Worker` calls",
        ["Scheduler.Providers/Lambda"] = "an adapter",
        ["Scheduler.Providers/Process"] = "an adapter",
        ["Scheduler.Providers/RunPod"] = "an adapter",
        ["Scheduler.Providers/Shadeform"] = "an adapter",
        ["Scheduler.Providers/Vast"] = "an adapter",
        ["Scheduler.Storage/Entities"] = "lists of small entity kinds",
        ["Scheduler.Storage/PostgreSql"] = "database of a cluster",
        ["Scheduler.Storage/Schema"] = "SQL of tables, triggers and Orleans queries",
        ["Scheduler.Storage/Sql"] = "SQL shared by both databases",
        ["Scheduler.Storage/Sqlite"] = "embedded database",
    };

    [Fact]
    public void Projects_have_exactly_the_allowed_references()
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
    public void Project_folders_have_approved_names()
    {
        var unapproved = Directory
            .EnumerateDirectories(Repo.Path("src"))
            .SelectMany(Directory.EnumerateDirectories)
            .Select(Repo.Relative)
            .Select(path => path["src/".Length..])
            .Where(path => path.Split('/')[1] is not ("obj" or "bin"))
            .Where(path => !Slices.Contains(path.Split('/')[1]) && !Others.ContainsKey(path));
        Assert.Empty(unapproved);
    }

    [Fact]
    public void The_top_level_contains_only_approved_entries()
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

    /// <remarks>The storage keys rows by state name, not by grain class.</remarks>
    [Fact]
    public void State_names_are_unique()
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
