using System.Collections;
using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using k8s;
using k8s.Models;
using Scheduler.Api;
using Scheduler.Grains;
using Scheduler.Host;
using Scheduler.Storage;
using Xunit;
using YamlDotNet.RepresentationModel;

namespace Scheduler.Tidy.Deploy;

/// <summary>A test has no Docker engine and no cluster; this class checks what can be read without them.</summary>
public sealed partial class ManifestTests
{
    private static readonly Dictionary<string, Type> Sections = new(StringComparer.OrdinalIgnoreCase)
    {
        [HostOptions.Section] = typeof(HostOptions),
        [SchedulerOptions.Section] = typeof(SchedulerOptions),
        [StorageOptions.Section] = typeof(StorageOptions),
        [ApiOptions.Section] = typeof(ApiOptions),
        ["Providers:Simulated"] = OfProviders("Simulated.SimulatedOptions"),
        ["Providers:Process"] = OfProviders("Process.ProcessOptions"),
    };

    public static TheoryData<string> Yaml => [.. Repo.Files("deploy", "*.yaml").Select(Repo.Relative)];

    [Theory]
    [MemberData(nameof(Yaml))]
    public void Every_manifest_is_valid_YAML(string file)
    {
        var yaml = new YamlStream();
        using var reader = new StreamReader(Repo.Path(file));
        yaml.Load(reader);
        Assert.NotEmpty(yaml.Documents);
    }

    [Fact]
    public void Kubernetes_objects_have_known_fields_and_resolvable_references()
    {
        var objects = Objects();
        var set = Assert.Single(objects.OfType<V1StatefulSet>(), found => found.Metadata.Name == "scheduler");
        var pod = set.Spec.Template.Spec;
        var container = Assert.Single(pod.Containers);
        Assert.Contains(objects.OfType<V1Service>(), service => service.Metadata.Name == set.Spec.ServiceName);
        Assert.Contains(objects.OfType<V1ServiceAccount>(), account => account.Metadata.Name == pod.ServiceAccountName);
        Assert.All(container.VolumeMounts, mount => Assert.Contains(pod.Volumes, volume => volume.Name == mount.Name));
        Assert.True(pod.TerminationGracePeriodSeconds > new HostOptions().ShutdownTimeout.TotalSeconds);
        Assert.True(set.Spec.Replicas > 1);
        foreach (var labels in Selectors(objects))
        {
            Assert.Contains(
                objects.OfType<V1StatefulSet>(),
                owner => labels.All(label => owner.Spec.Template.Metadata.Labels.Contains(label))
            );
        }
    }

    [Fact]
    public void Manifests_contain_no_secret()
    {
        Assert.DoesNotContain(Objects(), found => found is V1Secret);
        var environment = Objects()
            .OfType<V1StatefulSet>()
            .SelectMany(set => set.Spec.Template.Spec.Containers)
            .SelectMany(container => container.Env);
        Assert.All(
            environment.Where(variable => IsSecret(variable.Name)),
            variable => Assert.NotNull(variable.ValueFrom?.SecretKeyRef)
        );
        Assert.All(
            Repo.Files("deploy", "*.*").Where(file => !file.EndsWith(".md", StringComparison.Ordinal)),
            file => Assert.DoesNotMatch(Secret(), File.ReadAllText(file))
        );
    }

    [Fact]
    public void Ports_match_the_settings()
    {
        var host = new HostOptions();
        int[] ports = [host.HttpPort, host.GrpcPort, host.SiloPort];
        var container = Assert
            .Single(Objects().OfType<V1StatefulSet>(), set => set.Metadata.Name == "scheduler")
            .Spec.Template.Spec.Containers[0];
        Assert.Subset(container.Ports.Select(port => port.ContainerPort).ToHashSet(), ports.ToHashSet());
        var services = Objects().OfType<V1Service>().Where(service => service.Metadata.Name != "postgresql");
        Assert.All(
            services.SelectMany(service => service.Spec.Ports),
            port =>
                Assert.Contains(
                    container.Ports,
                    own => own.Name == port.TargetPort.Value && own.ContainerPort == port.Port
                )
        );
        var exposed = File.ReadLines(Repo.Path("deploy", "docker", "Dockerfile"))
            .Single(line => line.StartsWith("EXPOSE ", StringComparison.Ordinal))
            .Split(' ')[1..]
            .Select(port => int.Parse(port, CultureInfo.InvariantCulture));
        Assert.Equal(container.Ports.Select(port => port.ContainerPort), exposed);
        var compose = File.ReadAllText(Repo.Path("deploy", "docker", "compose.yaml"));
        Assert.Equal(3, Regex.Count(compose, $":{host.HttpPort}\"", RegexOptions.None, TimeSpan.FromSeconds(1)));
        var targets = File.ReadAllText(Repo.Path("deploy", "docker", "prometheus.yaml"));
        Assert.Equal(3, Regex.Count(targets, $":{host.HttpPort}\"", RegexOptions.None, TimeSpan.FromSeconds(1)));
    }

    [Fact]
    public void Every_setting_in_a_manifest_exists()
    {
        Assert.SkipUnless(
            typeof(HostOptions).GetProperty("Role") is not null,
            "The manifests run a cluster, and this build has no roles yet."
        );
        var named = Repo.Files("deploy", "*")
            .Where(file => !file.EndsWith(".cs", StringComparison.Ordinal))
            .SelectMany(file =>
                Setting()
                    .Matches(File.ReadAllText(file))
                    .Select(match =>
                        (
                            File: Repo.Relative(file),
                            Path: match.Value.TrimStart('-').Replace("__", ":", StringComparison.Ordinal)
                        )
                    )
            )
            .Distinct()
            .ToList();
        Assert.True(named.Count > 20, "The manifests name too few settings.");
        Assert.DoesNotContain(named, setting => !IsSetting(setting.Path));
    }

    [Fact]
    public void The_image_is_built_by_the_documented_command()
    {
        var dockerfile = File.ReadLines(Repo.Path("deploy", "docker", "Dockerfile"));
        var command = dockerfile.Single(line => line.StartsWith("RUN dotnet publish", StringComparison.Ordinal))[4..];
        Assert.Contains($"\n{command}\n", File.ReadAllText(Repo.Path("deploy", "README.md")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Systemd_units_are_well_formed()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/systemd-analyze"), "systemd-analyze is not installed.");
        var folder = Directory.CreateTempSubdirectory("scheduler-units-");
        var units = Directory
            .EnumerateFiles(Repo.Path("deploy", "systemd"))
            .Where(file => Path.GetExtension(file) is ".service" or ".timer")
            .ToList();
        foreach (var unit in units)
        {
            // The program is not installed on the test machine.
            var text = await File.ReadAllTextAsync(unit, TestContext.Current.CancellationToken);
            await File.WriteAllTextAsync(
                Path.Combine(folder.FullName, Path.GetFileName(unit)),
                Program().Replace(text, "ExecStart=/bin/true"),
                TestContext.Current.CancellationToken
            );
        }

        var (exitCode, output) = await PromTool.ExecuteAsync(
            "systemd-analyze",
            folder.FullName,
            ["verify", "--man=no", .. units.Select(unit => $"./{Path.GetFileName(unit)}")]
        );
        folder.Delete(recursive: true);
        Assert.True(exitCode == 0 && output.Length == 0, output);
    }

    private static List<object> Objects() =>
        [
            .. Repo.Files("deploy/kubernetes", "*.yaml")
                .Where(file => Path.GetFileName(file) is not ("kustomization.yaml" or "cloud.yaml"))
                .SelectMany(file => KubernetesYaml.LoadAllFromString(File.ReadAllText(file), null, strict: true)),
        ];

    private static IEnumerable<IDictionary<string, string>> Selectors(List<object> objects) =>
        objects
            .OfType<V1Service>()
            .Select(service => service.Spec.Selector)
            .Concat(objects.OfType<V1PodDisruptionBudget>().Select(budget => budget.Spec.Selector.MatchLabels))
            .Concat(objects.OfType<V1NetworkPolicy>().Select(policy => policy.Spec.PodSelector.MatchLabels));

    private static bool IsSecret(string name) =>
        name.EndsWith("PASSWORD", StringComparison.OrdinalIgnoreCase)
        || name.EndsWith("OperatorKey", StringComparison.Ordinal);

    private static Type OfProviders(string name) =>
        Assembly.Load("Scheduler.Providers").GetType($"Scheduler.Providers.{name}", throwOnError: true)!;

    private static bool IsSetting(string path)
    {
        var section = Sections.Keys.FirstOrDefault(name =>
            path.StartsWith($"{name}:", StringComparison.OrdinalIgnoreCase)
        );
        return section is null
            ? Sections.ContainsKey(path)
            : Has(Sections[section], path[(section.Length + 1)..].Split(':'));
    }

    private static bool Has(Type type, ReadOnlySpan<string> names)
    {
        if (names.IsEmpty || (type != typeof(string) && type.IsAssignableTo(typeof(IEnumerable))))
        {
            return true;
        }

        var property = type.GetProperty(
            names[0],
            BindingFlags.Public | BindingFlags.Instance | BindingFlags.IgnoreCase
        );
        return property is not null && Has(property.PropertyType, names[1..]);
    }

    [GeneratedRegex(@"\b(Host|Scheduler|Storage|Api|Providers)(__|:)[A-Z]\w*?((__|:)[A-Z]\w*?)*\b(?!\.)")]
    private static partial Regex Setting();

    [GeneratedRegex("sk-[a-z2-7]{12}-|password=[^;$<\\s]", RegexOptions.IgnoreCase)]
    private static partial Regex Secret();

    [GeneratedRegex("^ExecStart=.*$", RegexOptions.Multiline)]
    private static partial Regex Program();
}
