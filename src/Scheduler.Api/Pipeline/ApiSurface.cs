using System.Collections.Frozen;
using System.Collections.Immutable;
using Google.Api;
using Google.Protobuf.Reflection;
using Scheduler.Api.V1;

namespace Scheduler.Api.Pipeline;

/// <summary>The services and methods of the API, as the protos declare them.</summary>
internal static class ApiSurface
{
    public static readonly ImmutableArray<ServiceDescriptor> Services =
    [
        V1.Accounts.Descriptor,
        V1.Keys.Descriptor,
        V1.Instances.Descriptor,
        V1.Balancers.Descriptor,
        V1.Services.Descriptor,
        V1.Schedules.Descriptor,
        V1.Models.Descriptor,
        V1.Providers.Descriptor,
        V1.Failures.Descriptor,
        V1.Requests.Descriptor,
        V1.Firewalls.Descriptor,
        V1.Secrets.Descriptor,
        V1.Hosts.Descriptor,
    ];

    public static readonly ImmutableArray<ApiMethod> Methods =
    [
        .. Services.SelectMany(service => service.Methods).Select(method => new ApiMethod(method)),
    ];

    private static readonly FrozenDictionary<string, ApiMethod> ByPath = Methods.ToFrozenDictionary(
        method => method.GrpcPath,
        StringComparer.Ordinal
    );

    /// <summary>
    /// The method of a gRPC path (<c>/scheduler.v1.Instances/GetInstance</c>); null for other services (health,
    /// reflection).
    /// </summary>
    public static ApiMethod? Find(string grpcPath) => ByPath.GetValueOrDefault(grpcPath);
}

internal sealed class ApiMethod(MethodDescriptor descriptor)
{
    public MethodDescriptor Descriptor { get; } = descriptor;

    public string GrpcPath { get; } = $"/{descriptor.Service.FullName}/{descriptor.Name}";

    public Access Access { get; } =
        descriptor.GetOptions()?.GetExtension(AccessExtensions.Access) ?? Access.Unspecified;

    /// <summary>
    /// Whether it changes or spends anything and refuses a viewer's key: every method except a GET or one with the
    /// option reads.
    /// </summary>
    public bool Changes { get; } =
        descriptor.GetOptions()?.GetExtension(AnnotationsExtensions.Http)?.PatternCase != HttpRule.PatternOneofCase.Get
        && descriptor.GetOptions()?.GetExtension(AccessExtensions.Reads) != true;

    /// <summary>Whether it takes a file and therefore allows a longer body.</summary>
    public bool TakesFile { get; } =
        descriptor.InputType.Fields.InDeclarationOrder().Any(field => field.FieldType == FieldType.Bytes);

    public HttpRule Http { get; } =
        descriptor.GetOptions()?.GetExtension(AnnotationsExtensions.Http)
        ?? throw new InvalidOperationException($"{descriptor.FullName} has no HTTP rule.");
}
