using System.Reflection;
using Xunit;

namespace Scheduler.Tidy;

/// <summary>
/// Orleans' own dashboard calls every parameterless grain method that returns the type of a stored state or is named
/// GetState. It does so for any id that its user types. Such a method must change nothing and show no secrets.
/// </summary>
public sealed class GrainStateTests
{
    /// <summary>Reviewed methods that it may call: views made for it, and token counts.</summary>
    private static readonly string[] Reviewed =
    [
        "IInspectedAccount.GetState -> AccountGlance",
        "IInspectedInstance.GetState -> InstanceGlance",
        "IUsageGrain.GetAsync -> ServedUsageRecord",
    ];

    private static IEnumerable<Type> Grains =>
        Assembly
            .Load("Scheduler.Grains")
            .GetTypes()
            .Where(type => typeof(Grain).IsAssignableFrom(type) && !type.IsAbstract);

    [Fact]
    public void Inspecting_a_grain_calls_only_reviewed_views()
    {
        var called = Grains
            .SelectMany(grain =>
                grain
                    .GetInterfaces()
                    .SelectMany(face => face.GetMethods())
                    .Where(method => method.GetParameters().Length == 0)
                    .Where(method => method.Name == "GetState" || Returned(method).Any(StatesOf(grain).Contains))
            )
            .Select(method =>
                $"{method.DeclaringType!.Name}.{method.Name} -> {string.Join(", ", Returned(method).Select(type => type.Name))}"
            )
            .Distinct()
            .Order(StringComparer.Ordinal);
        Assert.Equal(Reviewed, called);
    }

    [Fact]
    public void No_view_shows_an_address_a_spec_or_a_secret()
    {
        string[] kept =
        [
            "Endpoint",
            "Uri",
            "Spec",
            "Secret",
            "Sha256",
            "Arguments",
            "Labels",
            "Tokenizer",
            "Allocation",
        ];
        var shown = Grains
            .SelectMany(grain => grain.GetInterfaces())
            .SelectMany(face => face.GetMethods())
            .Where(method => method.Name == "GetState")
            .SelectMany(Returned)
            .Distinct()
            .SelectMany(view => view.GetProperties())
            .ToList();
        Assert.NotEmpty(shown);
        Assert.DoesNotContain(
            shown,
            property => kept.Any(word => property.Name.Contains(word, StringComparison.Ordinal))
        );
        Assert.DoesNotContain(shown, property => property.PropertyType == typeof(Uri));
    }

    private static HashSet<Type> StatesOf(Type grain) =>
        [
            .. grain
                .GetConstructors(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)
                .SelectMany(constructor => constructor.GetParameters())
                .Select(parameter => parameter.ParameterType)
                .Where(type => type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IPersistentState<>))
                .Select(type => type.GetGenericArguments()[0]),
        ];

    private static Type[] Returned(MethodInfo method) =>
        method.ReturnType.IsGenericType ? method.ReturnType.GetGenericArguments() : [];
}
