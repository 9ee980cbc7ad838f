using System.Collections.Frozen;
using System.Collections.Immutable;
using Google.Api;
using Google.Protobuf.Reflection;
using Scheduler.Api.V1;

namespace Scheduler.Api.Edge;

/// <summary>Everything the API serves, as its protos declare it.</summary>
internal static class ApiSurface
{
    /// <summary>The services of <c>scheduler.v1</c>.</summary>
    public static readonly ImmutableArray<ServiceDescriptor> Services =
    [
        V1.Accounts.Descriptor,
        V1.Keys.Descriptor,
        V1.Instances.Descriptor,
        V1.Balancers.Descriptor,
        V1.Schedules.Descriptor,
        V1.Models.Descriptor,
        V1.Providers.Descriptor,
        V1.Failures.Descriptor,
        V1.Requests.Descriptor,
        V1.Firewalls.Descriptor,
    ];

    /// <summary>Their methods.</summary>
    public static readonly ImmutableArray<ApiMethod> Methods =
    [
        .. Services.SelectMany(service => service.Methods).Select(method => new ApiMethod(method)),
    ];

    private static readonly FrozenDictionary<string, ApiMethod> ByPath = Methods.ToFrozenDictionary(
        method => method.GrpcPath,
        StringComparer.Ordinal
    );

    /// <summary>The method behind a gRPC path (<c>/scheduler.v1.Instances/GetInstance</c>); null for what is not ours (health, reflection).</summary>
    public static ApiMethod? Find(string grpcPath) => ByPath.GetValueOrDefault(grpcPath);
}

/// <summary>One method.</summary>
internal sealed class ApiMethod(MethodDescriptor descriptor)
{
    public MethodDescriptor Descriptor { get; } = descriptor;

    /// <summary>The path of its gRPC face.</summary>
    public string GrpcPath { get; } = $"/{descriptor.Service.FullName}/{descriptor.Name}";

    /// <summary>Who may call it.</summary>
    public Access Access { get; } =
        descriptor.GetOptions()?.GetExtension(AccessExtensions.Access) ?? Access.Unspecified;

    /// <summary>Whether it changes or spends anything, as all do that are no GET and are not declared to read: a viewer's key is refused.</summary>
    public bool Changes { get; } =
        descriptor.GetOptions()?.GetExtension(AnnotationsExtensions.Http)?.PatternCase != HttpRule.PatternOneofCase.Get
        && descriptor.GetOptions()?.GetExtension(AccessExtensions.Reads) != true;

    /// <summary>Whether it takes a file, and so a longer body than others.</summary>
    public bool TakesFile { get; } =
        descriptor.InputType.Fields.InDeclarationOrder().Any(field => field.FieldType == FieldType.Bytes);

    /// <summary>Its HTTP face.</summary>
    public HttpRule Http { get; } =
        descriptor.GetOptions()?.GetExtension(AnnotationsExtensions.Http)
        ?? throw new InvalidOperationException($"{descriptor.FullName} has no HTTP rule.");
}
