using System.Reflection;
using Xunit;

namespace Scheduler.ClusterTests.Storage;

/// <summary>
/// The ADO.NET storage keys rows by state name and grain key, not by grain class: two classes with the same state name
/// would read and overwrite each other's states.
/// </summary>
public sealed class StateNameTests
{
    private static readonly string[] OurAssemblies = ["Scheduler.Grains", "Scheduler.ClusterTests"];

    [Fact]
    public void Every_stored_state_has_a_unique_name()
    {
        var names = OurAssemblies
            .Select(Assembly.Load)
            .SelectMany(assembly => assembly.GetTypes())
            .Where(type => typeof(IGrainBase).IsAssignableFrom(type) && !type.IsAbstract)
            .SelectMany(type =>
                type.GetConstructors()
                    .SelectMany(constructor => constructor.GetParameters())
                    .Select(parameter => parameter.GetCustomAttribute<PersistentStateAttribute>())
                    .OfType<PersistentStateAttribute>()
                    .Select(state => (Scope: Scope(type), state.StateName, type.FullName))
            )
            .ToList();
        Assert.NotEmpty(names);
        Assert.All(names, name => Assert.False(string.IsNullOrEmpty(name.StateName), name.FullName));
        Assert.All(names.GroupBy(name => (name.Scope, name.StateName)), group => Assert.Single(group));
    }

    [Fact]
    public void No_grain_inherits_the_base_class_that_gives_all_states_one_name() =>
        Assert.DoesNotContain(
            OurAssemblies.Select(Assembly.Load).SelectMany(assembly => assembly.GetTypes()),
            type =>
                !type.IsAbstract
                && Ancestors(type)
                    .Any(ancestor => ancestor.IsGenericType && ancestor.GetGenericTypeDefinition() == typeof(Grain<>))
        );

    // Test grains replace the real ones under the same names, in clusters of their own.
    private static string Scope(Type type) => type.Assembly.GetName().Name!;

    private static IEnumerable<Type> Ancestors(Type type)
    {
        for (var ancestor = type.BaseType; ancestor is not null; ancestor = ancestor.BaseType)
        {
            yield return ancestor;
        }
    }
}
