using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Orleans.CodeGeneration;
using Orleans.Serialization;
using Orleans.Serialization.Cloning;
using Orleans.Serialization.Configuration;
using Orleans.Serialization.Serializers;
using Scheduler.Grains;

namespace Scheduler.ClusterTests.Simulation;

/// <summary>
/// Orleans' own generated references, bound to the simulated runtime. A grain makes the same calls as in production,
/// with arguments copied the same way; each becomes a message that the simulation can delay or lose.
/// </summary>
internal sealed class GrainReferences(IGrainReferenceRuntime runtime) : IGrainFactory
{
    private static readonly ServiceProvider Serialization = new ServiceCollection()
        .AddSerializer()
        .BuildServiceProvider();

    private static readonly HashSet<Type> Proxies = Serialization
        .GetRequiredService<IOptions<TypeManifestOptions>>()
        .Value.InterfaceProxies;

    private readonly Dictionary<(GrainType, Type), (Type Proxy, GrainReferenceShared Shared)> _shared = [];

    /// <summary>The grain classes by the type name in their keys.</summary>
    public static IReadOnlyDictionary<string, Type> Classes { get; } =
        typeof(GrainKeys)
            .Assembly.GetTypes()
            .Where(type => type.IsDefined(typeof(GrainTypeAttribute)))
            .ToDictionary(NameOf, StringComparer.Ordinal);

    private static readonly Dictionary<Type, GrainType> Implementers = Classes
        .SelectMany(c => c.Value.GetInterfaces().Select(i => (Interface: i, Grain: c.Key)))
        .Where(pair => IsGrainInterface(pair.Interface))
        .GroupBy(pair => pair.Interface)
        .Where(group => group.Count() == 1)
        .ToDictionary(group => group.Key, group => GrainType.Create(group.Single().Grain));

    /// <summary>Whether Orleans generated a reference class for an interface.</summary>
    public static bool IsGrainInterface(Type type) =>
        type != typeof(IAddressable)
        && type != typeof(IGrain)
        && type != typeof(IGrainWithStringKey)
        && type.IsInterface
        && typeof(IGrainWithStringKey).IsAssignableFrom(type);

    public object Of(Type type, GrainId grain)
    {
        if (!_shared.TryGetValue((grain.Type, type), out var made))
        {
            var shared = new GrainReferenceShared(
                grain.Type,
                GrainInterfaceType.Create(type.Name),
                0,
                runtime,
                InvokeMethodOptions.None,
                Serialization.GetRequiredService<CodecProvider>(),
                Serialization.GetRequiredService<CopyContextPool>(),
                Serialization
            );
            made = _shared[(grain.Type, type)] = (Proxies.Single(type.IsAssignableFrom), shared);
        }

        return Activator.CreateInstance(made.Proxy, made.Shared, grain.Key)!;
    }

    public T GetGrain<T>(GrainId grainId)
        where T : IAddressable => (T)Of(typeof(T), grainId);

    public T GetGrain<T>(string primaryKey, string? grainClassNamePrefix = null)
        where T : IGrainWithStringKey => GetGrain<T>(GrainId.Create(Implementers[typeof(T)], primaryKey));

    T IGrainFactory.GetGrain<T>(Guid primaryKey, string? grainClassNamePrefix) => throw NotUsed();

    T IGrainFactory.GetGrain<T>(long primaryKey, string? grainClassNamePrefix) => throw NotUsed();

    T IGrainFactory.GetGrain<T>(Guid primaryKey, string keyExtension, string? grainClassNamePrefix) => throw NotUsed();

    T IGrainFactory.GetGrain<T>(long primaryKey, string keyExtension, string? grainClassNamePrefix) => throw NotUsed();

    T IGrainFactory.CreateObjectReference<T>(IGrainObserver obj) => throw NotUsed();

    void IGrainFactory.DeleteObjectReference<T>(IGrainObserver obj) => throw NotUsed();

    IGrain IGrainFactory.GetGrain(Type grainInterfaceType, Guid grainPrimaryKey) => throw NotUsed();

    IGrain IGrainFactory.GetGrain(Type grainInterfaceType, long grainPrimaryKey) => throw NotUsed();

    IGrain IGrainFactory.GetGrain(Type grainInterfaceType, string grainPrimaryKey) => throw NotUsed();

    IGrain IGrainFactory.GetGrain(Type grainInterfaceType, Guid grainPrimaryKey, string keyExtension) =>
        throw NotUsed();

    IGrain IGrainFactory.GetGrain(Type grainInterfaceType, long grainPrimaryKey, string keyExtension) =>
        throw NotUsed();

    IAddressable IGrainFactory.GetGrain(GrainId grainId) => throw NotUsed();

    IAddressable IGrainFactory.GetGrain(GrainId grainId, GrainInterfaceType interfaceType) => throw NotUsed();

    IAddressable IGrainFactory.GetGrain(Type interfaceType, IdSpan grainKey, string grainClassNamePrefix) =>
        throw NotUsed();

    IAddressable IGrainFactory.GetGrain(Type interfaceType, IdSpan grainKey) => throw NotUsed();

    private static string NameOf(Type grain) =>
        (string)
            grain
                .GetCustomAttributesData()
                .Single(a => a.AttributeType == typeof(GrainTypeAttribute))
                .ConstructorArguments[0]
                .Value!;

    private static NotSupportedException NotUsed() => new("Every grain of the scheduler has a text key.");
}
