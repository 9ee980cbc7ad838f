using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Metadata;
using Orleans.Serialization.TypeSystem;

namespace Scheduler.Grains;

/// <summary>
/// The names that Orleans gives to grain interfaces, each computed once. Orleans itself reads the attributes of the interface
/// by reflection at every reference to a grain.
/// </summary>
internal sealed class InterfaceTypes(IServiceProvider services, TypeConverter converter) : IGrainInterfaceTypeProvider
{
    private readonly GrainInterfaceTypeResolver _resolver = new(
        [new AttributeGrainInterfaceTypeProvider(services)],
        converter
    );
    private readonly ConcurrentDictionary<Type, GrainInterfaceType> _known = new();

    public bool TryGetGrainInterfaceType(Type type, out GrainInterfaceType grainInterfaceType)
    {
        grainInterfaceType = _known.GetOrAdd(type, static (t, self) => self._resolver.GetGrainInterfaceType(t), this);
        return true;
    }
}

public static class InterfaceTypesSetup
{
    /// <summary>Call it in a silo and in a client of silos.</summary>
    public static IServiceCollection AddInterfaceTypes(this IServiceCollection services)
    {
        // Orleans takes the first answer, so this provider must come before its own.
        services.Insert(0, ServiceDescriptor.Singleton<IGrainInterfaceTypeProvider, InterfaceTypes>());
        return services;
    }
}
