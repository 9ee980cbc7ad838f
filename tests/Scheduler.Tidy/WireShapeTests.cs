using System.Reflection;
using System.Text;
using Xunit;

namespace Scheduler.Tidy;

/// <summary>
/// Messages between silos of different builds. Orleans' analyzer checks interfaces and methods (OrleansContracts.txt),
/// but not the members of records: a reused id would be misread by a silo of another build.
/// </summary>
public sealed class WireShapeTests
{
    private const string Reviewed = "src/Scheduler.Grains/WireShapes.txt";

    private static readonly string[] Assemblies = ["Scheduler.ModelFit", "Scheduler.Domain", "Scheduler.Grains"];

    [Fact]
    public void Wire_members_match_the_reviewed_file()
    {
        var found = Describe();
        if (Environment.GetEnvironmentVariable("SCHEDULER_ACCEPT_WIRE") == "1")
        {
            File.WriteAllText(Repo.Path(Reviewed), found);
        }

        // To accept a change: only new ids, and none removed, renumbered or of another type. Then run with
        // SCHEDULER_ACCEPT_WIRE=1.
        Assert.Equal(File.ReadAllText(Repo.Path(Reviewed)), found);
    }

    private static string Describe()
    {
        var text = new StringBuilder();
        var types = Assemblies
            .SelectMany(name => Assembly.Load(name).GetTypes())
            .Where(type => type.GetCustomAttribute<GenerateSerializerAttribute>() is not null)
            .ToList();
        var enums = types
            .SelectMany(type => Members(type).SelectMany(member => Enums(member.Type)))
            .Distinct()
            .OrderBy(type => type.FullName, StringComparer.Ordinal);
        foreach (var type in types.OrderBy(Name, StringComparer.Ordinal))
        {
            text.Append(Name(type)).Append('\n');
            foreach (var (id, memberType, name) in Members(type).OrderBy(member => member.Id))
            {
                text.Append($"  {id} {name}: {Name(memberType)}\n");
            }
        }

        foreach (var type in enums)
        {
            var names = Enum.GetValues(type).Cast<object>().Select(value => $"{Convert.ToInt64(value)} {value}");
            text.Append($"enum {type.FullName}\n  {string.Join(", ", names)}\n");
        }

        return text.ToString();
    }

    private static IEnumerable<(uint Id, Type Type, string Name)> Members(Type type)
    {
        const BindingFlags all =
            BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;
        return type.GetProperties(all)
            .Select(property => (property.GetCustomAttribute<IdAttribute>()?.Id, property.PropertyType, property.Name))
            .Concat(
                type.GetFields(all)
                    .Select(field => (field.GetCustomAttribute<IdAttribute>()?.Id, field.FieldType, field.Name))
            )
            .Where(member => member.Id is not null)
            .Select(member => (member.Id!.Value, member.Item2, member.Name));
    }

    private static IEnumerable<Type> Enums(Type type) =>
        type.IsEnum && type.Assembly.GetName().Name!.StartsWith("Scheduler", StringComparison.Ordinal)
            ? [type]
            : type.GetGenericArguments().SelectMany(Enums);

    private static string Name(Type type)
    {
        var own =
            type.GetCustomAttribute<AliasAttribute>()?.Alias
            ?? (type.Namespace?.StartsWith("System", StringComparison.Ordinal) == true ? type.Name : type.FullName!);
        return type is { IsGenericType: true, IsGenericTypeDefinition: false }
            ? $"{own.Split('`')[0]}<{string.Join(", ", type.GetGenericArguments().Select(Name))}>"
            : own;
    }
}
